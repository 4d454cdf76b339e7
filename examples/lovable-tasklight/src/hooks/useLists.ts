import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { supabase } from "@/integrations/supabase/client";

export function useLists() {
  return useQuery({
    queryKey: ["lists"],
    queryFn: async () => {
      const { data, error } = await supabase
        .from("lists")
        .select("*, tasks(count), owner:profiles!lists_owner_id_fkey(display_name, avatar_url, email)")
        .order("created_at", { ascending: true });
      if (error) throw error;
      return data;
    },
  });
}

export function useList(id: string) {
  return useQuery({
    queryKey: ["lists", id],
    queryFn: async () => {
      const { data, error } = await supabase
        .from("lists")
        .select("*, owner:profiles!lists_owner_id_fkey(display_name, email), list_shares(id, email)")
        .eq("id", id)
        .maybeSingle();
      if (error) throw error;
      return data;
    },
  });
}

export function useStats() {
  return useQuery({
    queryKey: ["stats"],
    queryFn: async () => {
      const { data, error } = await supabase.rpc("get_task_stats").single();
      if (error) throw error;
      return data;
    },
  });
}

export function useListChanges() {
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: ["lists"] });

  const create = useMutation({
    mutationFn: async (list: { name: string; color: string; owner_id: string }) => {
      const { data, error } = await supabase.from("lists").insert(list).select().single();
      if (error) throw error;
      return data;
    },
    onSuccess: refresh,
  });

  const remove = useMutation({
    mutationFn: async (id: string) => {
      const { error } = await supabase.from("lists").delete().eq("id", id);
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  const share = useMutation({
    mutationFn: async ({ listId, email }: { listId: string; email: string }) => {
      const { error } = await supabase
        .from("list_shares")
        .insert({ list_id: listId, email: email.trim().toLowerCase() });
      if (error?.code === "23505") throw new Error("This list is already shared with that address.");
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  const unshare = useMutation({
    mutationFn: async (shareId: string) => {
      const { error } = await supabase.from("list_shares").delete().eq("id", shareId);
      if (error) throw error;
    },
    onSuccess: refresh,
  });

  return { create, remove, share, unshare };
}
