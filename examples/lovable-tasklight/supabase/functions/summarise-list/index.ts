import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";
import { corsHeaders, json } from "../_shared/cors.ts";

interface TaskRow {
  title: string;
  is_done: boolean;
  due_on: string | null;
  priority: "low" | "normal" | "high";
}

function sentence(name: string, tasks: TaskRow[]): string {
  if (tasks.length === 0) return `“${name}” has no tasks yet.`;
  const open = tasks.filter((task) => !task.is_done);
  const done = tasks.length - open.length;
  if (open.length === 0) return `Everything on “${name}” is done: ${done} of ${tasks.length}.`;
  const next = open[0];
  const due = next.due_on ? `, due ${next.due_on}` : "";
  return `“${name}” has ${open.length} open and ${done} done. Next: ${next.title}${due}.`;
}

serve(async (req) => {
  if (req.method === "OPTIONS") {
    return new Response("ok", { headers: corsHeaders });
  }

  try {
    const { listId } = await req.json();
    if (typeof listId !== "string") {
      return json({ error: "listId is required" }, 400);
    }

    // Reads as the caller: row security decides what this function can see.
    const supabase = createClient(Deno.env.get("SUPABASE_URL") ?? "", Deno.env.get("SUPABASE_ANON_KEY") ?? "", {
      global: { headers: { Authorization: req.headers.get("Authorization") ?? "" } },
    });

    const token = (req.headers.get("Authorization") ?? "").replace("Bearer ", "");
    const { data: { user }, error: userError } = await supabase.auth.getUser(token);
    if (userError || !user) {
      return json({ error: "Please sign in" }, 401);
    }

    const { data: list, error } = await supabase
      .from("lists")
      .select("name, tasks(title, is_done, due_on, priority)")
      .eq("id", listId)
      .order("due_on", { referencedTable: "tasks", ascending: true, nullsFirst: false })
      .maybeSingle();
    if (error) throw error;
    if (!list) {
      return json({ error: "List not found" }, 404);
    }

    const tasks = list.tasks as TaskRow[];
    return json({
      summary: sentence(list.name, tasks),
      total: tasks.length,
      done: tasks.filter((task) => task.is_done).length,
      asked_by: user.email,
    });
  } catch (error) {
    console.error("summarise-list failed:", error);
    return json({ error: error instanceof Error ? error.message : "Unknown error" }, 500);
  }
});
