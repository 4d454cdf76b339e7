import { createClientFromRequest } from "npm:@base44/sdk@0.8.50";

const tried = async (call: () => Promise<unknown>) => {
  try {
    return await call();
  } catch (error) {
    return { refused: error.status, message: error.message };
  }
};

export default async function handle(req: Request) {
  const base44 = createClientFromRequest(req);
  const { how, data, id } = await req.json();
  const client = how.endsWith("as service") ? base44.asServiceRole : base44;
  const { Task } = client.entities;
  const found = await tried(() => {
    if (how.startsWith("create")) return Task.create(data);
    if (how.startsWith("update")) return Task.update(id, data);
    if (how.startsWith("get")) return Task.get(id);
    if (how.startsWith("filter")) return Task.filter(data, "title");
    return Task.delete(id);
  });
  const told = Array.isArray(found) ? found.map((task) => task.title) : found;
  return Response.json({ found: told }, { status: found?.refused ? 403 : 200 });
}
