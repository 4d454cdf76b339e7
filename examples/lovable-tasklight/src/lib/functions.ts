import { FunctionsHttpError } from "@supabase/supabase-js";
import { supabase } from "@/integrations/supabase/client";
import { messageOf } from "@/lib/utils";

export const PING_URL = `https://${import.meta.env.VITE_SUPABASE_PROJECT_ID}.supabase.co/functions/v1/ping`;

/** Calls an edge function; a failure carries the text that the function itself answered. */
export async function invoke<T>(name: string, body: Record<string, unknown>): Promise<T> {
  const { data, error } = await supabase.functions.invoke<T>(name, { body });
  if (error instanceof FunctionsHttpError) {
    const answer = await error.context.json().catch(() => null);
    throw new Error(answer?.error ?? answer?.message ?? messageOf(error));
  }
  if (error) throw error;
  return data as T;
}
