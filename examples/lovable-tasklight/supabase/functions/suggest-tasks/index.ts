import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
import { corsHeaders, json } from "../_shared/cors.ts";

const SUGGEST_TOOL = {
  type: "function",
  function: {
    name: "suggest_tasks",
    description: "Return 3 to 5 short, concrete tasks.",
    parameters: {
      type: "object",
      properties: {
        tasks: { type: "array", items: { type: "string" } },
      },
      required: ["tasks"],
      additionalProperties: false,
    },
  },
};

async function gatewayMessage(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    return body.error?.message ?? body.message ?? body.error ?? text;
  } catch {
    return text;
  }
}

serve(async (req) => {
  if (req.method === "OPTIONS") {
    return new Response("ok", { headers: corsHeaders });
  }

  try {
    const { goal } = await req.json();
    if (typeof goal !== "string" || goal.trim() === "") {
      return json({ error: "Tell us what the list is for" }, 400);
    }

    const LOVABLE_API_KEY = Deno.env.get("LOVABLE_API_KEY");
    if (!LOVABLE_API_KEY) {
      throw new Error("AI is not configured: LOVABLE_API_KEY is not set");
    }

    const response = await fetch("https://ai.gateway.lovable.dev/v1/chat/completions", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${LOVABLE_API_KEY}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify({
        model: "google/gemini-2.5-flash",
        messages: [
          { role: "system", content: "You break a goal into small tasks. Each task is at most eight words." },
          { role: "user", content: goal },
        ],
        tools: [SUGGEST_TOOL],
        tool_choice: { type: "function", function: { name: "suggest_tasks" } },
      }),
    });

    if (response.status === 429) {
      return json({ error: "Too many requests. Please try again in a minute." }, 429);
    }
    if (response.status === 402) {
      return json({ error: "The AI credits are used up. Please add credits." }, 402);
    }
    if (!response.ok) {
      const message = await gatewayMessage(response);
      console.error("AI gateway error:", response.status, message);
      return json({ error: message || "AI gateway error" }, 500);
    }

    const data = await response.json();
    const call = data.choices?.[0]?.message?.tool_calls?.[0];
    const tasks = call ? JSON.parse(call.function.arguments).tasks : [];
    return json({ tasks });
  } catch (error) {
    console.error("suggest-tasks failed:", error);
    return json({ error: error instanceof Error ? error.message : "Unknown error" }, 500);
  }
});
