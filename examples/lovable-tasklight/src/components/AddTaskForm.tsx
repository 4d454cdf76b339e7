import { useState, type FormEvent } from "react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { useTaskChanges } from "@/hooks/useTasks";
import type { Enums } from "@/integrations/supabase/types";
import { messageOf } from "@/lib/utils";

export function AddTaskForm({ listId }: { listId: string }) {
  const { create } = useTaskChanges();
  const [title, setTitle] = useState("");
  const [priority, setPriority] = useState<Enums<"task_priority">>("normal");
  const [dueOn, setDueOn] = useState("");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const task = { list_id: listId, title: title.trim(), priority, due_on: dueOn || null };
    setTitle("");
    setPriority("normal");
    setDueOn("");
    const added = await create.mutateAsync(task).catch(() => null);
    if (!added) setTitle((typed) => typed || task.title);
  };

  return (
    <Card className="p-3 sm:p-4">
      <form onSubmit={submit} className="flex flex-wrap gap-2">
        <Input
          aria-label="New task"
          placeholder="What needs doing?"
          required
          maxLength={200}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          className="basis-full sm:flex-1 sm:basis-56"
        />
        <Select
          aria-label="Priority"
          value={priority}
          onChange={(event) => setPriority(event.target.value as Enums<"task_priority">)}
          className="flex-1 sm:flex-none"
        >
          <option value="low">Low</option>
          <option value="normal">Normal</option>
          <option value="high">Important</option>
        </Select>
        <Input
          type="date"
          aria-label="Due on"
          value={dueOn}
          onChange={(event) => setDueOn(event.target.value)}
          className="flex-1 sm:w-40 sm:flex-none"
        />
        <Button type="submit" className="h-11 w-full sm:w-auto" disabled={create.isPending || title.trim() === ""}>
          Add task
        </Button>
      </form>
      {create.error && <Alert className="mt-3">{messageOf(create.error)}</Alert>}
    </Card>
  );
}
