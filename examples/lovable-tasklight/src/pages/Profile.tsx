import { useEffect, useState, type ChangeEvent, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Field } from "@/components/Field";
import { Alert } from "@/components/ui/alert";
import { Avatar } from "@/components/ui/avatar";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card, CardContent, CardDescription, CardHeader, CardTitle } from "@/components/ui/card";
import { supabase } from "@/integrations/supabase/client";
import { toast } from "@/hooks/use-toast";
import { useAuth } from "@/hooks/useAuth";
import { uploadAvatar, useProfile, useSaveProfile } from "@/hooks/useProfile";
import { PING_URL } from "@/lib/functions";
import { messageOf } from "@/lib/utils";

const Profile = () => (
  <div className="mx-auto max-w-2xl space-y-6">
    <h1 className="text-2xl font-semibold sm:text-3xl">Your profile</h1>
    <AboutCard />
    <PasswordCard />
    <WebhookCard />
  </div>
);

function AboutCard() {
  const { user } = useAuth();
  const { data: profile } = useProfile();
  const save = useSaveProfile();
  const [name, setName] = useState("");

  useEffect(() => setName(profile?.display_name ?? ""), [profile?.display_name]);

  const picture = useMutation({
    mutationFn: async (file: File) => save.mutateAsync({ avatar_url: await uploadAvatar(user!.id, file) }),
    onSuccess: () => toast({ title: "Picture saved" }),
  });

  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = "";
    if (file) picture.mutate(file);
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ display_name: name.trim() }, { onSuccess: () => toast({ title: "Profile saved" }) });
  };

  const error = picture.error ?? save.error;
  return (
    <Card>
      <CardHeader>
        <CardTitle>About you</CardTitle>
        <CardDescription>People you share lists with see your name and picture.</CardDescription>
      </CardHeader>
      <CardContent className="space-y-5">
        {error && <Alert>{messageOf(error)}</Alert>}
        <div className="flex items-center gap-4">
          <Avatar name={profile?.display_name ?? user?.email ?? ""} src={profile?.avatar_url} className="size-20 text-2xl" />
          <label
            className={buttonVariants({
              variant: "outline",
              className: "cursor-pointer focus-within:outline focus-within:outline-2 focus-within:outline-offset-2",
            })}
          >
            {picture.isPending ? "Uploading…" : "Change picture"}
            <input
              type="file"
              accept="image/png,image/jpeg,image/webp,image/gif"
              className="sr-only"
              disabled={picture.isPending}
              onChange={pick}
            />
          </label>
        </div>
        <form onSubmit={submit} className="space-y-4">
          <Field label="E-mail" value={user?.email ?? ""} disabled readOnly />
          <Field
            label="Your name"
            required
            maxLength={60}
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" disabled={save.isPending || name.trim() === ""}>
            Save profile
          </Button>
        </form>
      </CardContent>
    </Card>
  );
}

function PasswordCard() {
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: async () => {
      const { error } = await supabase.auth.updateUser({ password });
      if (error) throw error;
    },
    onSuccess: () => {
      setPassword("");
      toast({ title: "Your password has been changed." });
    },
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };

  return (
    <Card>
      <CardHeader>
        <CardTitle>Password</CardTitle>
      </CardHeader>
      <CardContent>
        <form onSubmit={submit} className="space-y-4">
          {change.error && <Alert>{messageOf(change.error)}</Alert>}
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
          <Button type="submit" variant="outline" disabled={change.isPending}>
            Change password
          </Button>
        </form>
      </CardContent>
    </Card>
  );
}

function WebhookCard() {
  const check = useMutation({
    mutationFn: async () => {
      const response = await fetch(PING_URL);
      if (!response.ok) throw new Error(`The address answered ${response.status}.`);
      return (await response.json()) as { ok: boolean };
    },
  });

  return (
    <Card>
      <CardHeader>
        <CardTitle>Webhook</CardTitle>
        <CardDescription>Other services can add tasks by calling this address.</CardDescription>
      </CardHeader>
      <CardContent className="space-y-4">
        <code className="block rounded-lg bg-secondary px-3 py-2 text-sm [overflow-wrap:anywhere]" data-testid="webhook">
          {PING_URL}
        </code>
        {check.error && <Alert>{messageOf(check.error)}</Alert>}
        <div className="flex flex-wrap items-center gap-3">
          <Button variant="outline" onClick={() => check.mutate()} disabled={check.isPending}>
            Check the address
          </Button>
          {check.data?.ok && <span className="text-sm">It answers.</span>}
        </div>
      </CardContent>
    </Card>
  );
}

export default Profile;
