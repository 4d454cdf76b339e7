import { useMutation } from "@tanstack/react-query";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { PlusIcon, SparkIcon, TextIcon } from "@/components/icons";
import { useTaskChanges } from "@/hooks/useTasks";
import { invoke } from "@/lib/functions";
import { messageOf } from "@/lib/utils";

interface Summary {
  summary: string;
  total: number;
  done: number;
}

export function AssistCard({ list }: { list: { id: string; name: string } }) {
  const summarise = useMutation({
    mutationFn: () => invoke<Summary>("summarise-list", { listId: list.id }),
  });
  const suggest = useMutation({
    mutationFn: () => invoke<{ tasks: string[] }>("suggest-tasks", { goal: list.name }),
  });
  const { create } = useTaskChanges();

  return (
    <Card className="space-y-4 p-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <div className="mr-auto">
          <h2 className="text-base font-semibold">A second pair of eyes</h2>
          <p className="text-sm text-muted-foreground">Sum the list up, or let AI suggest what is missing.</p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button variant="outline" onClick={() => summarise.mutate()} disabled={summarise.isPending}>
            <TextIcon />
            Summarise
          </Button>
          <Button variant="outline" onClick={() => suggest.mutate()} disabled={suggest.isPending}>
            <SparkIcon />
            Suggest tasks
          </Button>
        </div>
      </div>

      {summarise.error && <Alert>{messageOf(summarise.error)}</Alert>}
      {summarise.data && (
        <p className="rounded-lg bg-secondary px-4 py-3 text-sm" data-testid="summary">
          {summarise.data.summary}
        </p>
      )}

      {suggest.error && <Alert>{messageOf(suggest.error)}</Alert>}
      {suggest.data && (
        <ul className="divide-y border-t" aria-label="Suggestions">
          {suggest.data.tasks.map((title) => (
            <li key={title} className="flex items-center justify-between gap-2 py-2 text-sm">
              <span className="min-w-0">{title}</span>
              <Button
                variant="ghost"
                size="sm"
                aria-label={`Add ${title}`}
                onClick={() => create.mutate({ list_id: list.id, title })}
              >
                <PlusIcon />
                Add
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
