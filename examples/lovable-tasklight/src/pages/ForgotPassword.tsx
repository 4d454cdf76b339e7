import { useState, type FormEvent } from "react";
import { Link } from "react-router-dom";
import { AuthLayout } from "@/components/AuthLayout";
import { Field } from "@/components/Field";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { supabase } from "@/integrations/supabase/client";
import { messageOf } from "@/lib/utils";

const ForgotPassword = () => {
  const [email, setEmail] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [sent, setSent] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    const { error } = await supabase.auth.resetPasswordForEmail(email, {
      redirectTo: `${window.location.origin}/reset-password`,
    });
    setBusy(false);
    if (error) setError(messageOf(error));
    else setSent(true);
  };

  return (
    <AuthLayout
      title={sent ? "Check your mail" : "Forgot your password?"}
      description={
        sent
          ? `If ${email} has an account, a link to choose a new password is on its way.`
          : "We will send you a link to choose a new one."
      }
      footer={
        <Link to="/auth" className="font-medium text-primary underline underline-offset-4">
          Back to sign in
        </Link>
      }
    >
      {!sent && (
        <form onSubmit={submit} className="space-y-4">
          {error && <Alert>{error}</Alert>}
          <Field
            label="E-mail"
            type="email"
            autoComplete="email"
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Button type="submit" className="h-11 w-full" disabled={busy}>
            Send the link
          </Button>
        </form>
      )}
    </AuthLayout>
  );
};

export default ForgotPassword;
