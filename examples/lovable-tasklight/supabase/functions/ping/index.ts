import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";
import { corsHeaders, json } from "../_shared/cors.ts";

// Called by other services without a user's token, therefore verify_jwt = false in config.toml.
// GET says that the address is alive. POST adds a task for whoever knows PING_SECRET.
serve(async (req) => {
  if (req.method === "OPTIONS") {
    return new Response("ok", { headers: corsHeaders });
  }
  if (req.method === "GET") {
    return json({ ok: true, app: "tasklight" });
  }

  try {
    const secret = Deno.env.get("PING_SECRET");
    if (!secret) {
      return json({ error: "PING_SECRET is not configured" }, 503);
    }
    if (req.headers.get("x-ping-secret") !== secret) {
      return json({ error: "Wrong secret" }, 401);
    }

    const { list_id, title } = await req.json();
    const admin = createClient(Deno.env.get("SUPABASE_URL") ?? "", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "");
    const { data: list, error: listError } = await admin
      .from("lists")
      .select("id, owner_id")
      .eq("id", list_id)
      .maybeSingle();
    if (listError) throw listError;
    if (!list) {
      return json({ error: "List not found" }, 404);
    }

    const { data, error } = await admin
      .from("tasks")
      .insert({ list_id: list.id, created_by: list.owner_id, title })
      .select("id")
      .single();
    if (error) throw error;
    return json({ ok: true, task_id: data.id }, 201);
  } catch (error) {
    console.error("ping failed:", error);
    return json({ error: error instanceof Error ? error.message : "Unknown error" }, 500);
  }
});
