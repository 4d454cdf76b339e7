import { useEffect } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { supabase } from "@/integrations/supabase/client";
import type { Enums, Tables } from "@/integrations/supabase/types";

export type Shown = "all" | "open" | "done";
export type Sort = "due" | "priority" | "newest";
export type TaskWithFiles = Tables<"tasks"> & { attachments: Tables<"attachments">[] };

export interface TaskFilter {
  listId: string;
  shown: Shown;
  sort: Sort;
  search: string;
}

export function useTasks({ listId, shown, sort, search }: TaskFilter) {
  return useQuery({
    queryKey: ["tasks", listId, { shown, sort, search }],
    placeholderData: (previous) => previous,
    queryFn: async () => {
      let query = supabase.from("tasks").select("*, attachments(*)", { count: "exact" }).eq("list_id", listId);
      if (shown !== "all") query = query.eq("is_done", shown === "done");
      if (search) query = query.ilike("title", `%${search}%`);
      if (sort === "due") query = query.order("due_on", { ascending: true, nullsFirst: false });
      if (sort === "priority") query = query.order("priority", { ascending: false });
      const { data, error, count } = await query.order("created_at", { ascending: false }).range(0, 99);
      if (error) throw error;
      return { tasks: data as TaskWithFiles[], count: count ?? 0 };
    },
  });
}

/** Follows a list while it is on screen: what others do in it shows at once. */
export function useLiveTasks(listId: string) {
  const queryClient = useQueryClient();
  useEffect(() => {
    const channel = supabase
      .channel(`list-${listId}`)
      .on("postgres_changes", { event: "*", schema: "public", table: "tasks", filter: `list_id=eq.${listId}` }, () => {
        for (const key of ["tasks", "lists", "stats"]) queryClient.invalidateQueries({ queryKey: [key] });
      })
      .subscribe();
    return () => {
      supabase.removeChannel(channel);
    };
  }, [listId, queryClient]);
}

/** How many tasks are open, without reading any of them. */
export function useOpenCount(listId: string) {
  return useQuery({
    queryKey: ["tasks", listId, "open-count"],
    queryFn: async () => {
      const { count, error } = await supabase
        .from("tasks")
        .select("*", { count: "exact", head: true })
        .eq("list_id", listId)
        .eq("is_done", false);
      if (error) throw error;
      return count ?? 0;
    },
  });
}

/** Open tasks of all lists that are due soon or matter. */
export function useUpcoming(until: string) {
  return useQuery({
    queryKey: ["tasks", "upcoming", until],
    queryFn: async () => {
      const { data, error } = await supabase
        .from("tasks")
        .select("id, title, due_on, priority, is_done, lists!inner(id, name, color)")
        .eq("is_done", false)
        .or(`due_on.lte.${until},priority.eq.high`)
        .order("due_on", { ascending: true, nullsFirst: false })
        .limit(8);
      if (error) throw error;
      return data;
    },
  });
}

export interface NewTask {
  list_id: string;
  title: string;
  priority?: Enums<"task_priority">;
  due_on?: string | null;
}

export function useTaskChanges() {
  const queryClient = useQueryClient();
  const refresh = () =>
    Promise.all(["tasks", "lists", "stats"].map((key) => queryClient.invalidateQueries({ queryKey: [key] })));

  const create = useMutation({
    mutationFn: async (tasks: NewTask | NewTask[]) => {
      const rows = Array.isArray(tasks) ? tasks : [tasks];
      const { data, error } = await supabase.from("tasks").insert(rows).select();
      if (error) throw error;
      return data;
    },
    onSuccess: refresh,
  });

  const setDone = useMutation({
    mutationFn: async ({ id, done }: { id: string; done: boolean }) => {
      const { error } = await supabase.from("tasks").update({ is_done: done }).eq("id", id);
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  const remove = useMutation({
    mutationFn: async (task: TaskWithFiles) => {
      const paths = task.attachments.map((file) => file.path);
      if (paths.length > 0) await supabase.storage.from("attachments").remove(paths);
      const { error } = await supabase.from("tasks").delete().eq("id", task.id);
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  const clearCompleted = useMutation({
    mutationFn: async (listId: string) => {
      const { data, error } = await supabase.rpc("clear_completed", { _list_id: listId });
      if (error) throw error;
      return data;
    },
    onSuccess: refresh,
  });

  const attach = useMutation({
    mutationFn: async ({ taskId, userId, file }: { taskId: string; userId: string; file: File }) => {
      const safeName = file.name.replace(/[^\w.-]+/g, "_");
      const path = `${userId}/${taskId}/${Date.now()}-${safeName}`;
      const { error: uploadError } = await supabase.storage.from("attachments").upload(path, file);
      if (uploadError) throw uploadError;
      const { error } = await supabase.from("attachments").insert({
        task_id: taskId,
        path,
        name: file.name,
        size_bytes: file.size,
        content_type: file.type || null,
      });
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  return { create, setDone, remove, clearCompleted, attach };
}

/** A link to a private file that works for one hour. */
export function useSignedUrl(path: string | null) {
  return useQuery({
    queryKey: ["signed-url", path],
    enabled: path !== null,
    staleTime: 30 * 60 * 1000,
    queryFn: async () => {
      const { data, error } = await supabase.storage.from("attachments").createSignedUrl(path!, 3600);
      if (error) throw error;
      return data.signedUrl;
    },
  });
}
