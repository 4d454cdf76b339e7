import { useRef, type ChangeEvent } from "react";
import { Attachment } from "@/components/Attachment";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { CalendarIcon, CheckIcon, ClipIcon, TrashIcon } from "@/components/icons";
import { useAuth } from "@/hooks/useAuth";
import { toast } from "@/hooks/use-toast";
import { useTaskChanges, type TaskWithFiles } from "@/hooks/useTasks";
import { cn, dueLabel, isoDay, messageOf } from "@/lib/utils";

export function TaskItem({ task }: { task: TaskWithFiles }) {
  const { user } = useAuth();
  const { setDone, remove, attach } = useTaskChanges();
  const fileInput = useRef<HTMLInputElement>(null);
  const done = setDone.isPending ? setDone.variables.done : task.is_done;
  const overdue = !done && task.due_on !== null && task.due_on < isoDay();
  const showError = (error: unknown) => toast({ title: messageOf(error), variant: "destructive" });

  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = "";
    if (file) attach.mutate({ taskId: task.id, userId: user!.id, file }, { onError: showError });
  };

  return (
    <li className="px-3 py-2 sm:px-4">
      <div className="flex items-center gap-2">
        <button
          type="button"
          role="checkbox"
          aria-checked={done}
          aria-label={task.title}
          onClick={() => setDone.mutate({ id: task.id, done: !task.is_done }, { onError: showError })}
          className="group -m-1 inline-flex size-11 shrink-0 items-center justify-center rounded-full"
        >
          <span
            className={cn(
              "inline-flex size-6 items-center justify-center rounded-full border-2 transition-colors",
              done ? "border-primary bg-primary text-accent" : "border-input group-hover:border-primary",
            )}
          >
            {done && <CheckIcon className="size-3.5" />}
          </span>
        </button>
        <div className="min-w-0 flex-1 py-1.5">
          <p className={cn("[overflow-wrap:anywhere]", done && "text-muted-foreground line-through")}>{task.title}</p>
          {(task.due_on || task.priority !== "normal") && (
            <div className="mt-1 flex flex-wrap gap-1.5">
              {task.due_on && (
                <Badge variant={overdue ? "alarm" : "default"}>
                  <CalendarIcon className="size-3.5" />
                  {dueLabel(task.due_on)}
                </Badge>
              )}
              {task.priority === "high" && <Badge variant="accent">Important</Badge>}
              {task.priority === "low" && <Badge>Low</Badge>}
            </div>
          )}
        </div>
        <input
          ref={fileInput}
          type="file"
          className="sr-only"
          tabIndex={-1}
          aria-label={`File for ${task.title}`}
          onChange={pick}
        />
        <Button
          variant="ghost"
          size="icon"
          aria-label={`Attach a file to ${task.title}`}
          className="text-muted-foreground"
          disabled={attach.isPending}
          onClick={() => fileInput.current?.click()}
        >
          <ClipIcon />
        </Button>
        <Button
          variant="ghost"
          size="icon"
          aria-label={`Delete ${task.title}`}
          className="text-muted-foreground"
          disabled={remove.isPending}
          onClick={() => remove.mutate(task, { onError: showError })}
        >
          <TrashIcon />
        </Button>
      </div>
      {task.attachments.length > 0 && (
        <div className="flex flex-wrap items-start gap-2 pb-2 pl-11">
          {task.attachments.map((file) => (
            <Attachment key={file.id} file={file} />
          ))}
        </div>
      )}
    </li>
  );
}
