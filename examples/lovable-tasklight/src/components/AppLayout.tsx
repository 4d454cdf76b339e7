import type { ReactNode } from "react";
import { Link, NavLink } from "react-router-dom";
import { Avatar } from "@/components/ui/avatar";
import { Button } from "@/components/ui/button";
import { LogoMark } from "@/components/icons";
import { useAuth } from "@/hooks/useAuth";
import { useProfile } from "@/hooks/useProfile";
import { cn } from "@/lib/utils";

export function AppLayout({ children }: { children: ReactNode }) {
  const { user, signOut } = useAuth();
  const { data: profile } = useProfile();
  const name = profile?.display_name ?? user?.email ?? "";

  return (
    <div className="min-h-dvh">
      <header className="sticky top-0 z-10 border-b bg-background/90 backdrop-blur">
        <div className="mx-auto flex h-16 max-w-4xl items-center gap-2 px-4">
          <Link to="/lists" className="mr-auto flex items-center gap-2.5 font-semibold">
            <LogoMark className="size-8" />
            Tasklight
          </Link>
          <NavLink
            to="/profile"
            aria-label="Your profile"
            className={({ isActive }) =>
              cn("flex min-w-0 items-center gap-2 rounded-lg px-2 py-1.5 text-sm hover:bg-secondary", isActive && "bg-secondary")
            }
          >
            <Avatar name={name} src={profile?.avatar_url} className="size-8" />
            <span className="hidden max-w-48 truncate sm:block">{name}</span>
          </NavLink>
          <Button variant="ghost" size="sm" onClick={signOut}>
            Sign out
          </Button>
        </div>
      </header>
      <main className="mx-auto max-w-4xl px-4 pb-24 pt-6 sm:pt-10">{children}</main>
    </div>
  );
}
