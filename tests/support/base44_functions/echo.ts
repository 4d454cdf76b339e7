Deno.serve(async (req) => {
  const names = [
    "authorization", "base44-app-id", "base44-functions-version", "base44-state", "x-data-env", "x-own", "content-type",
    "x-base44-scheduler", "on-behalf-of",
  ];
  const headers = Object.fromEntries(names.map((name) => [name, req.headers.get(name)]));
  const service = req.headers.get("base44-service-authorization") ?? "";
  return Response.json({
    method: req.method, search: new URL(req.url).search, headers, body: await req.text(),
    service: [service.split(" ")[0], service.split(" ").length], api: req.headers.get("base44-api-url") !== null,
  });
});
