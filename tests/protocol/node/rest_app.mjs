// What apps do with supabase.from() and supabase.rpc(), by an unmodified supabase-js: Ann, Ben, a visitor, the service.
// Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'

const { URL: url, ANON, PUBLISHABLE, SECRET, SERVICE, ANN_TOKEN, BEN_TOKEN, ANN, BEN } = process.env
const as = (key, token) =>
  createClient(url, key, token ? { accessToken: async () => token } : { auth: { persistSession: false } })
const ann = as(ANON, ANN_TOKEN)
const ben = as(ANON, BEN_TOKEN)
const visitor = as(ANON)
const service = as(SERVICE)

const done = ({ data, error }) => {
  assert.equal(error, null)
  return data
}
const refused = ({ data, error }, code, message) => {
  assert.equal(data, null)
  assert.equal(error.code, code)
  if (message) assert.match(error.message, message)
  return error
}
const ids = (rows) => rows.map((row) => row.id)
const equal = assert.deepEqual

const cases = {
  async 'select: everything, columns, aliases, casts, JSON paths, computed columns'() {
    equal(Object.keys(done(await ann.from('projects').select())[0]),
      ['id', 'customer_id', 'owner', 'title', 'slug', 'budget', 'starts_at', 'labels'])
    equal(done(await ann.from('projects').select('id, name:title, cost:budget::text').order('id')),
      [{ id: 1, name: 'Site', cost: '100.50' }, { id: 2, name: 'Shop', cost: '2000.00' }])
    equal(done(await ann.from('customers').select('id, details->>city, details->tier->level').eq('id', 1)),
      [{ id: 1, city: 'Oslo', level: 3 }])
    equal(done(await ann.from('tasks').select('task_label').eq('id', 2)), [{ task_label: 'Write (open)' }])
  },
  async 'filters: every comparison'() {
    const projects = () => ann.from('projects').select('id').order('id')
    equal(ids(done(await projects().eq('title', 'Site'))), [1])
    equal(ids(done(await projects().neq('title', 'Site'))), [2])
    equal(ids(done(await projects().gt('budget', 100.5))), [2])
    equal(ids(done(await projects().gte('budget', 100.5))), [1, 2])
    equal(ids(done(await projects().lt('starts_at', '2026-01-15T00:00:00+00:00'))), [1])
    equal(ids(done(await projects().lte('starts_at', new Date('2026-02-01').toISOString()))), [1, 2])
    equal(ids(done(await projects().like('title', 'S%'))), [1, 2])
    equal(ids(done(await projects().ilike('title', '%SHO%'))), [2])
    equal(ids(done(await projects().in('title', ['Site', 'a,b', 'c"d']))), [1])
    equal(ids(done(await projects().in('id', []))), [])
    equal(ids(done(await projects().is('customer_id', null))), [])
    equal(ids(done(await projects().not('starts_at', 'is', null))), [1, 2])
    equal(ids(done(await projects().not('id', 'in', '(1)'))), [2])
    equal(ids(done(await projects().contains('labels', ['urgent']))), [1])
    equal(ids(done(await projects().overlaps('labels', ['urgent', 'web']))), [1, 2])
    equal(ids(done(await projects().containedBy('labels', ['web']))), [2])
    equal(ids(done(await projects().match({ title: 'Site', slug: 'site' }))), [1])
    equal(ids(done(await projects().filter('title', 'eq', 'Shop'))), [2])
    equal(ids(done(await ann.from('customers').select('id').eq('details->>city', 'Oslo'))), [1])
    equal(ids(done(await ann.from('customers').select('id').contains('details', { city: 'Rome' }))), [2])
    equal(ids(done(await ann.from('customers').select('id').eq('name', 'Bolts, "Nuts" & Co'))), [2])
    equal(ids(done(await ann.from('customers').select('id').textSearch('name', 'acme'))), [1])
    equal(done(await ann.from('tasks').select('id').eq('state', 'doing')), [{ id: 3 }])
  },
  async 'filters: or, nested and, on embeds'() {
    const projects = () => ann.from('projects').select('id').order('id')
    equal(ids(done(await projects().or('title.eq.Site,budget.gte.2000'))), [1, 2])
    equal(ids(done(await projects().or('and(title.ilike.%si%,budget.lt.200),slug.is.null'))), [1])
    equal(ids(done(await projects().or('title.in.(Shop,Other),labels.cs.{urgent}'))), [1, 2])
    equal(ids(done(await projects().or('customer_id.not.is.null').or('title.like.Sh*'))), [2])
    const open = await ann.from('projects').select('id, tasks(id)').eq('tasks.state', 'open').order('id')
    equal(done(open), [{ id: 1, tasks: [{ id: 2 }] }, { id: 2, tasks: [] }])
    const inner = await ann.from('projects').select('id, tasks!inner(id)').eq('tasks.state', 'open')
    equal(done(inner), [{ id: 1, tasks: [{ id: 2 }] }])
    const either = await ann.from('projects').select('id, tasks(id)').or('state.eq.done,title.eq.Write', { referencedTable: 'tasks' }).eq('id', 1).order('id', { referencedTable: 'tasks' })
    equal(done(either), [{ id: 1, tasks: [{ id: 1 }, { id: 2 }] }])
  },
  async 'embeds: to one, to many, many to many, hints, nested, counts, by column'() {
    const [site] = done(await ann.from('projects').select('title, customers(name), tasks(title, tags(name))').eq('id', 1).order('id', { referencedTable: 'tasks' }))
    equal(site, { title: 'Site', customers: { name: 'Acme' },
      tasks: [{ title: 'Draw', tags: [{ name: 'blue' }, { name: 'red' }] }, { title: 'Write', tags: [] }] })
    const people = await ann.from('tasks').select('id, author:profiles!tasks_author_id_fkey(name), assignee:profiles!assignee_id(name)').eq('id', 1).single()
    equal(done(people), { id: 1, author: { name: 'Ann' }, assignee: { name: 'Ben' } })
    equal(done(await ann.from('tasks').select('id, assignee:assignee_id(name)').eq('id', 3).single()), { id: 3, assignee: { name: 'Ann' } })
    equal(done(await ann.from('projects').select('id, tasks(count)').order('id')),
      [{ id: 1, tasks: [{ count: 2 }] }, { id: 2, tasks: [{ count: 1 }] }])
    equal(done(await ann.from('tags').select('name, tasks!inner(id)').eq('name', 'red')), [{ name: 'red', tasks: [{ id: 1 }, { id: 3 }] }])
    equal(done(await ann.from('open_tasks').select('id, projects(title)').order('id').limit(1)), [{ id: 2, projects: { title: 'Site' } }])
    equal(done(await ann.from('projects').select('id, ...customers(customer:name)').eq('id', 1)), [{ id: 1, customer: 'Acme' }])
    const error = refused(await ann.from('tasks').select('id, profiles(name)'), 'PGRST201', /more than one relationship/)
    assert.match(error.hint, /profiles!tasks_author_id_fkey/)
    refused(await ann.from('tasks').select('id, tag(name)'), 'PGRST200', /Could not find a relationship/)
  },
  async 'order, limit, range, single, maybeSingle, count, head'() {
    const tasks = () => ann.from('tasks').select('id')
    equal(ids(done(await tasks().order('id', { ascending: false }))), [3, 2, 1])
    equal(ids(done(await tasks().order('assignee_id', { nullsFirst: true }).order('id').limit(1))), [2])
    equal(ids(done(await tasks().order('id').range(1, 2))), [2, 3])
    equal(done(await tasks().eq('id', 1).single()), { id: 1 })
    refused(await tasks().single(), 'PGRST116')
    refused(await tasks().eq('id', 99).single(), 'PGRST116', /single JSON object/)
    equal(done(await tasks().eq('id', 99).maybeSingle()), null)
    equal(done(await tasks().eq('id', 1).maybeSingle()), { id: 1 })
    const counted = await ann.from('tasks').select('*', { count: 'exact' }).limit(1)
    equal([counted.count, counted.data.length, counted.status], [3, 1, 206])
    const head = await ann.from('tasks').select('*', { count: 'exact', head: true })
    equal([head.count, head.data, head.status], [3, null, 200])
    for (const count of ['planned', 'estimated']) assert.ok((await ann.from('tasks').select('*', { count })).count >= 0)
    const nested = await ann.from('projects').select('id, tasks(id)').eq('id', 1).order('id', { referencedTable: 'tasks', ascending: false }).limit(1, { referencedTable: 'tasks' })
    equal(done(nested), [{ id: 1, tasks: [{ id: 2 }] }])
    refused(await ann.from('tasks').select('id', { count: 'exact' }).range(50, 60), 'PGRST103')
  },
  async 'rows are capped as on the old back end, and counted in full'() {
    const { data, count } = await visitor.from('readings').select('*', { count: 'exact' })
    equal([data.length, count], [1000, 1500])
    equal(done(await visitor.from('readings').select('id').order('id').range(1000, 1499)).length, 500)
  },
  async 'insert: one, many, with and without representation, defaults, wrong columns'() {
    equal((await ann.from('customers').insert({ name: 'New' })).status, 201)
    const made = done(await ann.from('customers').insert({ name: 'Newer', details: { a: [1, null] } }).select().single())
    equal(made.details, { a: [1, null] })
    const many = done(await ann.from('customers').insert([{ name: 'One' }, { name: 'Two' }]).select('name'))
    equal(many, [{ name: 'One' }, { name: 'Two' }])
    const uneven = await ann.from('customers').insert([{ name: 'A' }, { name: 'B', details: {} }], { defaultToNull: false }).select('details')
    equal(done(uneven), [{ details: {} }, { details: {} }])
    const own = done(await ann.from('projects').insert({ title: 'Mine', customer_id: 1 }).select('owner, customers(name)').single())
    equal(own, { owner: ANN, customers: { name: 'Acme' } })
    refused(await ann.from('projects').insert({ title: 'Not mine', owner: BEN }), '42501', /row-level security/)
    refused(await ann.from('projects').insert({ title: 'Twice', slug: 'site' }), '23505', /duplicate key/)
    refused(await ann.from('projects').insert({ title: 'Lost', customer_id: 999 }), '23503')
    refused(await ann.from('customers').insert({ nam: 'x' }), 'PGRST204', /'nam' column of 'customers'/)
    refused(await ann.from('customers').insert({ details: {} }), '23502')
    await service.from('customers').delete().gt('id', 100)
    await service.from('projects').delete().gt('id', 100)
  },
  async 'update and delete: by filter, with representation, not beyond row security'() {
    const changed = await ann.from('projects').update({ title: 'Site 2' }).eq('id', 1).select('id, title').single()
    equal(done(changed), { id: 1, title: 'Site 2' })
    equal((await ann.from('projects').update({ title: 'Site' }).eq('id', 1)).status, 204)
    equal(done(await ben.from('projects').update({ title: 'Taken' }).eq('id', 1).select()), [])
    equal(done(await ann.from('projects').select('title').eq('id', 1).single()), { title: 'Site' })
    refused(await ann.from('projects').update({ title: 'x' }).eq('id', 99).select().single(), 'PGRST116')
    const counted = await ann.from('tasks').update({ done_at: '2026-03-01' }, { count: 'exact' }).in('id', [1, 2])
    equal([counted.count, counted.status], [2, 204])
    const task = done(await ann.from('tasks').insert({ title: 'Gone soon', project_id: 1 }).select('id').single())
    equal(done(await ben.from('tasks').delete().eq('id', task.id).select()), [])
    equal(done(await ann.from('tasks').delete().eq('id', task.id).select('title')), [{ title: 'Gone soon' }])
    refused(await ann.from('tasks').delete().gte('id', 1).maxAffected(1), 'PGRST124')
    equal(done(await ann.from('tasks').select('id')).length, 3)
  },
  async 'a singular write that is not singular changes nothing'() {
    refused(await ann.from('tasks').update({ title: 'Same' }).gte('id', 1).select().single(), 'PGRST116')
    equal(done(await ann.from('tasks').select('id').eq('title', 'Same')), [])
  },
  async 'upsert: by key, by onConflict, ignoring duplicates, many'() {
    equal(done(await service.from('tags').upsert({ id: 1, name: 'azure' }).select()), [{ id: 1, name: 'azure' }])
    equal(done(await service.from('tags').upsert({ name: 'red' }, { onConflict: 'name' }).select('id')), [{ id: 2 }])
    equal(done(await service.from('tags').upsert({ name: 'red' }, { onConflict: 'name', ignoreDuplicates: true }).select()), [])
    const rows = done(await service.from('tags').upsert([{ id: 1, name: 'blue' }, { id: 50, name: 'pink' }]).select('name'))
    equal(rows, [{ name: 'blue' }, { name: 'pink' }])
    equal((await service.from('tags').delete().eq('id', 50)).status, 204)
    equal(done(await service.from('task_tags').upsert({ task_id: 1, tag_id: 1 }).select()), [{ task_id: 1, tag_id: 1 }])
  },
  async 'rpc: values, rows, filters on rows, GET, void, variadic, errors'() {
    equal(done(await ann.rpc('project_count')), 2)
    equal(done(await ann.rpc('whoami')), { role: 'authenticated', id: ANN, email: 'ann@example.com' })
    equal(done(await visitor.rpc('whoami')), { role: 'anon', id: null, email: null })
    equal(done(await ann.rpc('whoami', {}, { get: true })).id, ANN)
    equal(done(await ann.rpc('projects_of', { customer: 1 }).select('title').eq('title', 'Shop')), [{ title: 'Shop' }])
    equal(done(await ann.rpc('projects_of', { customer: 1 }).order('id', { ascending: false }).limit(1).select('id, customers(name)').single()), { id: 2, customers: { name: 'Acme' } })
    equal((await ann.rpc('projects_of', { customer: 1 }, { count: 'exact', head: true })).count, 2)
    equal(done(await ann.rpc('projects_of', { customer: 1 }, { get: true })).length, 2)
    equal(done(await ann.rpc('sum_of', { numbers: [1, 2, 3] })), 6)
    const made = done(await ann.rpc('add_customer', { name: 'By call' }))
    equal([made.name, made.details], ['By call', {}])
    equal((await ann.rpc('forget')).status, 204)
    const error = refused(await ann.rpc('refuse', { reason: 'Nope' }), 'P0001', /^Nope$/)
    equal([error.details, error.hint], ['on purpose', 'ask again'])
    equal((await ann.rpc('teapot')).status, 418)
    refused(await ann.rpc('add_customer', { nam: 'x' }), 'PGRST202', /Could not find the function/)
    refused(await ann.rpc('add_customer', { name: 'x' }, { get: true }), '25006')
    await service.from('customers').delete().gt('id', 100)
  },
  async 'who is asking: visitor, users, service, keys of both kinds, bad tokens'() {
    equal(done(await visitor.from('projects').select()), [])
    equal(ids(done(await ben.from('projects').select('id'))), [3])
    equal(done(await service.from('projects').select('id')).length, 3)
    equal(done(await as(PUBLISHABLE).rpc('whoami')).role, 'anon')
    equal(done(await as(PUBLISHABLE, ANN_TOKEN).rpc('whoami')).id, ANN)
    equal(done(await as(SECRET).rpc('whoami')).role, 'service_role')
    refused(await as(ANON, ANN_TOKEN.slice(0, -4) + 'AAAA').from('projects').select(), 'PGRST301')
    equal((await as('sb_publishable_wrong').from('projects').select()).status, 401)
  },
  async 'schemas, missing tables, csv, explain, abort'() {
    refused(await ann.schema('auth').from('users').select(), 'PGRST106', /Invalid schema: auth/)
    const error = refused(await ann.from('project').select(), 'PGRST205', /Could not find the table 'public.project'/)
    assert.match(error.hint, /public\.projects/)
    equal(done(await ann.from('tags').select('id,name').order('id').limit(1).csv()), 'id,name\n1,blue')
    refused(await ann.from('tags').select().explain(), 'PGRST107')
    const controller = new AbortController()
    controller.abort()
    assert.match((await ann.from('tags').select().abortSignal(controller.signal)).error.message, /abort/i)
    await assert.rejects(async () => ann.from('nothing').select().throwOnError(), /Could not find the table/)
  },
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, error: String(error.stack ?? error).slice(0, 1500) }))
  }
}
