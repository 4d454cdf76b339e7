import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router-dom";
import { AddTaskForm } from "@/components/AddTaskForm";
import { AssistCard } from "@/components/AssistCard";
import { ShareDialog } from "@/components/ShareDialog";
import { TaskItem } from "@/components/TaskItem";
import { Alert } from "@/components/ui/alert";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { Skeleton } from "@/components/ui/skeleton";
import { BackIcon, PeopleIcon, TrashIcon } from "@/components/icons";
import { useAuth } from "@/hooks/useAuth";
import { useList, useListChanges } from "@/hooks/useLists";
import { toast } from "@/hooks/use-toast";
import { useLiveTasks, useOpenCount, useTaskChanges, useTasks, type Shown, type Sort } from "@/hooks/useTasks";
import { colorClass } from "@/lib/colors";
import { cn, messageOf } from "@/lib/utils";

const SHOWN: { value: Shown; label: string }[] = [
  { value: "all", label: "All" },
  { value: "open", label: "Open" },
  { value: "done", label: "Done" },
];

const ListDetail = () => {
  const { id = "" } = useParams();
  const { user } = useAuth();
  const { data: list, isLoading, error } = useList(id);
  useLiveTasks(id);
  const [sharing, setSharing] = useState(false);
  const [deleting, setDeleting] = useState(false);

  if (isLoading) return <Skeleton className="h-64" />;
  if (error) return <Alert>{messageOf(error)}</Alert>;
  if (!list) return <NoSuchList />;

  const isOwner = list.owner_id === user?.id;
  const owner = list.owner?.display_name ?? list.owner?.email;

  return (
    <div className="space-y-6">
      <div className="space-y-3">
        <Link to="/lists" className="-ml-1 inline-flex items-center gap-1 text-sm text-muted-foreground hover:text-foreground">
          <BackIcon className="size-4" />
          All lists
        </Link>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <div className="flex min-w-0 items-center gap-3">
            <span aria-hidden="true" className={cn("size-3.5 shrink-0 rounded-full", colorClass(list.color))} />
            <h1 className="min-w-0 text-2xl font-semibold [overflow-wrap:anywhere] sm:text-3xl">{list.name}</h1>
          </div>
          {isOwner && (
            <div className="flex gap-2">
              <Button variant="outline" onClick={() => setSharing(true)}>
                <PeopleIcon />
                {list.list_shares.length > 0 ? `Shared with ${list.list_shares.length}` : "Share"}
              </Button>
              <Button variant="destructive" size="icon" aria-label="Delete this list" onClick={() => setDeleting(true)}>
                <TrashIcon />
              </Button>
            </div>
          )}
        </div>
        {!isOwner && <p className="text-sm text-muted-foreground">{owner} shares this list with you.</p>}
      </div>

      <AddTaskForm listId={list.id} />
      <TaskSection listId={list.id} />
      <AssistCard list={list} />

      {isOwner && <ShareDialog open={sharing} onOpenChange={setSharing} list={list} />}
      <DeleteDialog open={deleting} onOpenChange={setDeleting} list={list} />
    </div>
  );
};

function NoSuchList() {
  return (
    <Card className="space-y-4 p-8 text-center">
      <div>
        <h1 className="text-lg font-semibold">List not found</h1>
        <p className="mt-1 text-sm text-muted-foreground">It may have been deleted, or it is not shared with you.</p>
      </div>
      <Link to="/lists" className={buttonVariants({ variant: "outline" })}>
        Back to your lists
      </Link>
    </Card>
  );
}

function TaskSection({ listId }: { listId: string }) {
  const [shown, setShown] = useState<Shown>("all");
  const [sort, setSort] = useState<Sort>("newest");
  const [search, setSearch] = useState("");
  const { data, isLoading, error } = useTasks({ listId, shown, sort, search: search.trim() });
  const { data: openCount } = useOpenCount(listId);
  const { clearCompleted } = useTaskChanges();

  const clear = async () => {
    const removed = await clearCompleted.mutateAsync(listId);
    toast({ title: removed === 1 ? "1 completed task removed" : `${removed} completed tasks removed` });
  };

  return (
    <section aria-label="Tasks" className="space-y-3">
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex rounded-lg bg-secondary p-1" role="group" aria-label="Show">
          {SHOWN.map(({ value, label }) => (
            <button
              key={value}
              type="button"
              aria-pressed={shown === value}
              onClick={() => setShown(value)}
              className={cn(
                "h-9 rounded-md px-3 text-sm font-medium text-muted-foreground",
                shown === value && "bg-card text-foreground shadow-sm",
              )}
            >
              {label}
              {value === "open" && openCount !== undefined && ` (${openCount})`}
            </button>
          ))}
        </div>
        <div className="ml-auto flex basis-full gap-2 sm:basis-auto">
          <Input
            type="search"
            aria-label="Search tasks"
            placeholder="Search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className="flex-1 sm:w-44 sm:flex-none"
          />
          <Select aria-label="Sort by" value={sort} onChange={(event) => setSort(event.target.value as Sort)}>
            <option value="newest">Newest first</option>
            <option value="due">Due first</option>
            <option value="priority">Important first</option>
          </Select>
        </div>
      </div>

      {error && <Alert>{messageOf(error)}</Alert>}
      {isLoading && <Skeleton className="h-40" />}
      {data && data.tasks.length === 0 && (
        <Card className="p-8 text-center text-sm text-muted-foreground">
          {search || shown !== "all" ? "No task matches." : "Nothing to do yet. Add the first task above."}
        </Card>
      )}
      {data && data.tasks.length > 0 && (
        <Card>
          <ul className="divide-y" data-testid="tasks">
            {data.tasks.map((task) => (
              <TaskItem key={task.id} task={task} />
            ))}
          </ul>
        </Card>
      )}

      <div className="flex items-center justify-between text-sm text-muted-foreground">
        <span>{data ? (data.count === 1 ? "1 task shown" : `${data.count} tasks shown`) : ""}</span>
        <Button variant="ghost" size="sm" onClick={clear} disabled={clearCompleted.isPending}>
          Clear completed
        </Button>
      </div>
    </section>
  );
}

interface DeleteDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  list: { id: string; name: string };
}

function DeleteDialog({ open, onOpenChange, list }: DeleteDialogProps) {
  const navigate = useNavigate();
  const { remove } = useListChanges();

  const confirm = async () => {
    await remove.mutateAsync(list.id);
    toast({ title: `“${list.name}” deleted` });
    navigate("/lists", { replace: true });
  };

  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete “${list.name}”?`}
      description="Its tasks and shares go with it. This cannot be undone."
    >
      {remove.error && <Alert>{messageOf(remove.error)}</Alert>}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={() => onOpenChange(false)}>
          Keep it
        </Button>
        <Button
          className="bg-destructive text-destructive-foreground hover:bg-destructive/90"
          onClick={confirm}
          disabled={remove.isPending}
        >
          Delete list
        </Button>
      </div>
    </Dialog>
  );
}

export default ListDetail;
