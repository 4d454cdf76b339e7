import { Link, Navigate } from "react-router-dom";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CheckIcon, LogoMark } from "@/components/icons";
import { useAuth } from "@/hooks/useAuth";
import { cn } from "@/lib/utils";

const PREVIEW = [
  { title: "Water the tomatoes", done: true },
  { title: "Book the ferry for June", done: true },
  { title: "Call grandmother on Sunday", done: false },
  { title: "Fix the kitchen light", done: false },
];

const Index = () => {
  const { user, loading } = useAuth();
  if (!loading && user) return <Navigate to="/lists" replace />;

  return (
    <div className="mx-auto flex min-h-dvh max-w-5xl flex-col px-4">
      <header className="flex h-20 items-center justify-between">
        <span className="flex items-center gap-2.5 text-lg font-semibold">
          <LogoMark className="size-9" />
          Tasklight
        </span>
        <Link to="/auth" className={buttonVariants({ variant: "ghost" })}>
          Sign in
        </Link>
      </header>

      <main className="grid flex-1 grid-cols-1 items-center gap-12 py-10 md:grid-cols-2 md:pb-28">
        <div className="space-y-6">
          <h1 className="text-4xl font-semibold leading-[1.1] sm:text-5xl">One calm place for what needs doing.</h1>
          <p className="max-w-prose text-lg text-muted-foreground">
            Keep a list for every part of life. Share the ones that are not yours alone. See at a glance what is next.
          </p>
          <Link to="/auth?mode=sign-up" className={buttonVariants({ size: "lg" })}>
            Create your first list
          </Link>
        </div>

        <Card className="p-6" aria-hidden="true">
          <div className="mb-4 flex items-baseline justify-between">
            <p className="text-lg font-semibold">Home</p>
            <p className="text-sm text-muted-foreground">2 of 4 done</p>
          </div>
          <ul className="space-y-1">
            {PREVIEW.map((task) => (
              <li key={task.title} className="flex items-center gap-3 border-t py-3">
                <span
                  className={cn(
                    "inline-flex size-6 items-center justify-center rounded-full border-2",
                    task.done ? "border-primary bg-primary text-accent" : "border-input",
                  )}
                >
                  {task.done && <CheckIcon className="size-3.5" />}
                </span>
                <span className={cn(task.done && "text-muted-foreground line-through")}>{task.title}</span>
              </li>
            ))}
          </ul>
        </Card>
      </main>
    </div>
  );
};

export default Index;
