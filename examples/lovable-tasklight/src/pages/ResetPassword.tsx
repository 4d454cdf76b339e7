import { useState, type FormEvent } from "react";
import { Link, useNavigate } from "react-router-dom";
import { AuthLayout } from "@/components/AuthLayout";
import { Field } from "@/components/Field";
import { Alert } from "@/components/ui/alert";
import { Button, buttonVariants } from "@/components/ui/button";
import { supabase } from "@/integrations/supabase/client";
import { toast } from "@/hooks/use-toast";
import { useAuth } from "@/hooks/useAuth";
import { messageOf } from "@/lib/utils";

const ResetPassword = () => {
  const { user, loading } = useAuth();
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    const { error } = await supabase.auth.updateUser({ password });
    setBusy(false);
    if (error) {
      setError(messageOf(error));
      return;
    }
    toast({ title: "Your password has been changed." });
    navigate("/lists", { replace: true });
  };

  if (!loading && !user) {
    return (
      <AuthLayout title="This link no longer works" description="It has been used already, or it is too old.">
        <Link to="/forgot-password" className={buttonVariants({ className: "h-11 w-full" })}>
          Ask for a new link
        </Link>
      </AuthLayout>
    );
  }

  return (
    <AuthLayout title="Choose a new password" description={user?.email}>
      <form onSubmit={submit} className="space-y-4">
        {error && <Alert>{error}</Alert>}
        <Field
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          minLength={6}
          hint="At least 6 characters."
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" className="h-11 w-full" disabled={busy || loading}>
          Save the new password
        </Button>
      </form>
    </AuthLayout>
  );
};

export default ResetPassword;
