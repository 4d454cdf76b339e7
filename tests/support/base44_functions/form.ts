Deno.serve({ port: 9 }, async (req) => {
  const found: Record<string, unknown> = {};
  for (const [name, value] of await req.formData()) {
    found[name] = typeof value === "string" ? value : [value.name, value.type, await value.text()];
  }
  return Response.json(found);
});
