import { useState, type FormEvent } from "react";
import { Link, useNavigate } from "react-router-dom";
import { Alert } from "@/components/ui/alert";
import { Avatar } from "@/components/ui/avatar";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/Field";
import { Skeleton } from "@/components/ui/skeleton";
import { PlusIcon } from "@/components/icons";
import { useAuth } from "@/hooks/useAuth";
import { useListChanges, useLists, useStats } from "@/hooks/useLists";
import { useProfile } from "@/hooks/useProfile";
import { useUpcoming } from "@/hooks/useTasks";
import { colorClass, LIST_COLORS } from "@/lib/colors";
import { cn, dueLabel, isoDay, messageOf } from "@/lib/utils";

type ListRow = NonNullable<ReturnType<typeof useLists>["data"]>[number];

const Lists = () => {
  const { user } = useAuth();
  const { data: profile } = useProfile();
  const { data: lists, isLoading, error } = useLists();
  const [creating, setCreating] = useState(false);

  const mine = lists?.filter((list) => list.owner_id === user?.id) ?? [];
  const shared = lists?.filter((list) => list.owner_id !== user?.id) ?? [];
  const firstName = profile?.display_name?.split(" ")[0];

  return (
    <div className="space-y-8">
      <div className="flex flex-wrap items-end justify-between gap-4">
        <div className="space-y-2">
          <h1 className="text-2xl font-semibold sm:text-3xl">{firstName ? `Hello, ${firstName}` : "Hello"}</h1>
          <StatsLine />
        </div>
        <Button onClick={() => setCreating(true)}>
          <PlusIcon />
          New list
        </Button>
      </div>

      {error && <Alert>{messageOf(error)}</Alert>}
      <Upcoming />

      <section aria-labelledby="my-lists" className="space-y-3">
        <h2 id="my-lists" className="text-lg font-semibold">
          Your lists
        </h2>
        {isLoading && (
          <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
            <Skeleton className="h-24" />
            <Skeleton className="h-24" />
          </div>
        )}
        {!isLoading && mine.length === 0 && (
          <Card className="p-8 text-center">
            <p className="font-medium">No lists yet</p>
            <p className="mt-1 text-sm text-muted-foreground">Start with one for today. You can share it later.</p>
          </Card>
        )}
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {mine.map((list) => (
            <ListCard key={list.id} list={list} />
          ))}
        </div>
      </section>

      {shared.length > 0 && (
        <section aria-labelledby="shared-lists" className="space-y-3">
          <h2 id="shared-lists" className="text-lg font-semibold">
            Shared with you
          </h2>
          <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
            {shared.map((list) => (
              <ListCard key={list.id} list={list} showOwner />
            ))}
          </div>
        </section>
      )}

      <NewListDialog open={creating} onOpenChange={setCreating} />
    </div>
  );
};

function StatsLine() {
  const { data: stats } = useStats();
  if (!stats) return <Skeleton className="h-5 w-40" />;
  const { open_count, done_count, overdue_count } = stats;
  return (
    <p className="text-muted-foreground" data-testid="stats">
      {open_count} open, {done_count} done
      {overdue_count > 0 && <span className="text-destructive">, {overdue_count} overdue</span>}
    </p>
  );
}

function Upcoming() {
  const until = new Date();
  until.setDate(until.getDate() + 7);
  const { data: tasks } = useUpcoming(isoDay(until));
  if (!tasks || tasks.length === 0) return null;
  return (
    <section aria-labelledby="upcoming" className="space-y-3">
      <h2 id="upcoming" className="text-lg font-semibold">
        Coming up
      </h2>
      <Card className="divide-y">
        {tasks.map((task) => (
          <Link
            key={task.id}
            to={`/lists/${task.lists.id}`}
            className="flex items-center gap-3 px-4 py-3 first:rounded-t-2xl last:rounded-b-2xl hover:bg-secondary/60"
          >
            <span aria-hidden="true" className={cn("size-2.5 shrink-0 rounded-full", colorClass(task.lists.color))} />
            <span className="min-w-0 flex-1">
              <span className="block truncate">{task.title}</span>
              <span className="block truncate text-sm text-muted-foreground">{task.lists.name}</span>
            </span>
            {task.due_on ? (
              <Badge variant={task.due_on < isoDay() ? "alarm" : "default"}>{dueLabel(task.due_on)}</Badge>
            ) : (
              <Badge variant="accent">Important</Badge>
            )}
          </Link>
        ))}
      </Card>
    </section>
  );
}

function ListCard({ list, showOwner = false }: { list: ListRow; showOwner?: boolean }) {
  const count = list.tasks[0]?.count ?? 0;
  const owner = list.owner?.display_name ?? list.owner?.email ?? "someone";
  return (
    <Link to={`/lists/${list.id}`} className="group block rounded-2xl">
      <Card className="h-full p-5 transition-colors group-hover:border-ring/50">
        <div className="flex items-start gap-3">
          <span aria-hidden="true" className={cn("mt-2 size-2.5 shrink-0 rounded-full", colorClass(list.color))} />
          <div className="min-w-0 flex-1">
            <h3 className="truncate text-base font-semibold">{list.name}</h3>
            <p className="text-sm text-muted-foreground">{count === 1 ? "1 task" : `${count} tasks`}</p>
          </div>
          {showOwner && <Avatar name={owner} src={list.owner?.avatar_url} className="size-8" />}
        </div>
        {showOwner && <p className="mt-3 truncate text-sm text-muted-foreground">from {owner}</p>}
      </Card>
    </Link>
  );
}

function NewListDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const { user } = useAuth();
  const navigate = useNavigate();
  const { create } = useListChanges();
  const [name, setName] = useState("");
  const [color, setColor] = useState<string>(LIST_COLORS[0]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const list = await create.mutateAsync({ name: name.trim(), color, owner_id: user!.id }).catch(() => null);
    if (!list) return;
    setName("");
    onOpenChange(false);
    navigate(`/lists/${list.id}`);
  };

  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="New list">
      <form onSubmit={submit} className="space-y-5">
        {create.error && <Alert>{messageOf(create.error)}</Alert>}
        <Field
          label="Name"
          required
          maxLength={80}
          placeholder="Groceries, the move, reading…"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset>
          <legend className="mb-2 text-sm font-medium">Colour</legend>
          <div className="flex gap-3">
            {LIST_COLORS.map((choice) => (
              <label key={choice} className="cursor-pointer">
                <input
                  type="radio"
                  name="color"
                  value={choice}
                  checked={color === choice}
                  onChange={() => setColor(choice)}
                  className="peer sr-only"
                />
                <span
                  className={cn(
                    "block size-9 rounded-full ring-offset-2 ring-offset-card peer-checked:ring-2 peer-checked:ring-foreground peer-focus-visible:outline peer-focus-visible:outline-2 peer-focus-visible:outline-offset-4",
                    colorClass(choice),
                  )}
                />
                <span className="sr-only">{choice}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <Button type="submit" className="h-11 w-full" disabled={create.isPending || name.trim() === ""}>
          Create list
        </Button>
      </form>
    </Dialog>
  );
}

export default Lists;
