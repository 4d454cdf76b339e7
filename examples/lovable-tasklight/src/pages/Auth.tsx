import { useState, type FormEvent } from "react";
import { Link, Navigate, useLocation, useSearchParams } from "react-router-dom";
import { AuthLayout } from "@/components/AuthLayout";
import { Field } from "@/components/Field";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { supabase } from "@/integrations/supabase/client";
import { useAuth } from "@/hooks/useAuth";
import { messageOf } from "@/lib/utils";

const Auth = () => {
  const { user, loading } = useAuth();
  const location = useLocation();
  const [params, setParams] = useSearchParams();
  const signUp = params.get("mode") === "sign-up";

  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [confirmSentTo, setConfirmSentTo] = useState("");

  if (!loading && user) return <Navigate to={location.state?.from ?? "/lists"} replace />;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      if (signUp) {
        const { data, error } = await supabase.auth.signUp({
          email,
          password,
          options: { emailRedirectTo: `${window.location.origin}/`, data: { display_name: name.trim() } },
        });
        if (error) throw error;
        if (!data.session) setConfirmSentTo(email);
      } else {
        const { error } = await supabase.auth.signInWithPassword({ email, password });
        if (error) throw error;
      }
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };

  if (confirmSentTo) {
    return (
      <AuthLayout
        title="Check your mail"
        description={`We sent a link to ${confirmSentTo}. Open it to finish creating your account.`}
      >
        <Button variant="outline" className="w-full" onClick={() => setConfirmSentTo("")}>
          Back
        </Button>
      </AuthLayout>
    );
  }

  return (
    <AuthLayout
      title={signUp ? "Create your account" : "Welcome back"}
      description={signUp ? "It takes half a minute." : "Sign in to see your lists."}
      footer={
        <>
          {signUp ? "Already have an account?" : "New to Tasklight?"}{" "}
          <button
            type="button"
            className="font-medium text-primary underline underline-offset-4"
            onClick={() => {
              setError("");
              setParams(signUp ? {} : { mode: "sign-up" }, { replace: true });
            }}
          >
            {signUp ? "Sign in" : "Create an account"}
          </button>
        </>
      }
    >
      <form onSubmit={submit} className="space-y-4">
        {error && <Alert>{error}</Alert>}
        {signUp && (
          <Field
            label="Your name"
            autoComplete="name"
            required
            maxLength={60}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        <Field
          label="E-mail"
          type="email"
          autoComplete="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete={signUp ? "new-password" : "current-password"}
          required
          minLength={6}
          hint={signUp ? "At least 6 characters." : undefined}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" className="h-11 w-full" disabled={busy}>
          {signUp ? "Create account" : "Sign in"}
        </Button>
        {!signUp && (
          <p className="text-center text-sm">
            <Link to="/forgot-password" className="text-primary underline-offset-4 hover:underline">
              Forgot your password?
            </Link>
          </p>
        )}
      </form>
    </AuthLayout>
  );
};

export default Auth;
