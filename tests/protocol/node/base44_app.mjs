// What apps do with an unmodified @base44/sdk: Ann, Ben, Eve who attacks, a visitor, and a function's own client.
// Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createClient, createClientFromRequest } from '@base44/sdk'

const { URL: url, APP, ANN, BEN, EVE, ADMIN, ANN_ID, SERVICE, MAIL } = process.env
console.log = () => {}
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const as = (token, more = {}) =>
  createClient({ appId: APP, serverUrl: url, appBaseUrl: url, requiresAuth: false, ...(token ? { token } : {}), ...more })
const [ann, ben, eve, admin, visitor] = [as(ANN), as(BEN), as(EVE), as(ADMIN), as('')]
const service = createClientFromRequest(new Request(url, { headers: {
  'Base44-App-Id': APP, 'Base44-Api-Url': url, 'Base44-Service-Authorization': `Bearer ${SERVICE}`,
  Authorization: `Bearer ${ANN}` } })).asServiceRole
const refused = async (promise, status, message) => {
  const error = await promise.then(() => null, (error) => error)
  assert.ok(error, 'it was not refused')
  assert.equal(error.status ?? error.response?.status, status, error.message)
  if (message) assert.match(`${error.message} ${error.data?.error ?? ""}`, message)
  return error
}
const titles = (rows) => rows.map((row) => row.title)
const until = async (look, what) => {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`never: ${what}`)
}
const mails = async (to) => {
  const { readdir, readFile } = await import('node:fs/promises')
  const names = (await readdir(MAIL)).filter((name) => name.endsWith('.json')).sort().reverse()
  const all = await Promise.all(names.map(async (name) => JSON.parse(await readFile(`${MAIL}/${name}`, 'utf8'))))
  return all.filter((mail) => mail.to === to)
}

const cases = {
  async 'create, get, update, delete'() {
    const made = await ann.entities.Task.create({ title: 'One', points: 1, tags: ['a'] })
    assert.equal(made.created_by, 'ann@example.com')
    assert.deepEqual(await ann.entities.Task.get(made.id), made)
    assert.equal((await ann.entities.Task.update(made.id, { status: 'done' })).status, 'done')
    await refused(ben.entities.Task.get(made.id), 404, /not found/)
    await refused(eve.entities.Task.update(made.id, { title: 'x' }), 404)
    await refused(eve.entities.Task.delete(made.id), 404)
    assert.deepEqual(await ann.entities.Task.delete(made.id), { success: true })
    await refused(ann.entities.Task.get(made.id), 404)
  },
  async 'list and filter in both forms'() {
    await ann.entities.Task.bulkCreate([1, 2, 3, 4].map((points) => ({ title: `t${points}`, points })))
    await ben.entities.Task.create({ title: "Ben's", points: 9 })
    assert.deepEqual(titles(await ann.entities.Task.list('-points', 2)), ['t4', 't3'])
    assert.deepEqual(titles(await ann.entities.Task.list('points', 2, 1, ['title'])), ['t2', 't3'])
    assert.equal((await ann.entities.Task.list()).length, 4)
    assert.deepEqual(titles(await ann.entities.Task.filter({ points: { $gte: 2 }, $or: [{ title: 't2' }, { title: 't3' }] }, 'title')), ['t2', 't3'])
    const first = await ann.entities.Task.list({ limit: 3, sort: 'points' })
    assert.deepEqual([titles(first.items), first.has_more], [['t1', 't2', 't3'], true])
    const second = await ann.entities.Task.list({ limit: 3, cursor: first.next_cursor })
    assert.deepEqual([titles(second.items), second.has_more], [['t4'], false])
    assert.deepEqual((await ann.entities.Task.filter({ points: { $lt: 3 } }, { distinct: 'title' })).items, ['t1', 't2'])
    assert.deepEqual(await eve.entities.Task.list(), [])
    assert.deepEqual(await visitor.entities.Task.list(), [])
  },
  async 'count, aggregate, updateMany, bulkUpdate, upsert, deleteMany'() {
    const tasks = ann.entities.Task
    assert.equal(await tasks.count({ points: { $in: [1, 2] } }), 2)
    assert.deepEqual((await tasks.aggregate({ groupBy: 'status', sum: 'points' })).rows, [{ status: 'todo', count: 4, sum_points: 10 }])
    assert.deepEqual(await tasks.updateMany({ points: { $gt: 2 } }, { $set: { urgent: true } }), { success: true, updated: 2, has_more: false })
    const [one] = await tasks.filter({ title: 't1' })
    assert.equal((await tasks.bulkUpdate([{ id: one.id, points: 7 }]))[0].points, 7)
    const written = await tasks.upsert([{ title: 't1', points: 8 }, { title: 'new' }], { key: 'title' })
    assert.deepEqual([written.created, written.updated], [1, 1])
    assert.deepEqual(await eve.entities.Task.deleteMany({}), { success: true, deleted: 0 })
    assert.deepEqual(await tasks.deleteMany({ title: 'new' }), { success: true, deleted: 1 })
  },
  async 'import from a file'() {
    const file = new File(['title,points,urgent\nfrom csv,5,true\n"two, quoted",,\n'], 'tasks.csv', { type: 'text/csv' })
    const result = await ann.entities.Task.importEntities(file)
    assert.deepEqual([result.status, titles(result.output), result.output[0].points], ['success', ['from csv', 'two, quoted'], 5])
    const wrong = await ann.entities.Task.importEntities(new File(['points\nx\n'], 'tasks.csv', { type: 'text/csv' }))
    assert.deepEqual([wrong.status, wrong.output], ['error', null])
  },
  async 'a visitor may not create, and errors have the builder\'s form'() {
    await refused(visitor.entities.Task.create({ title: 'x' }), 403, /Permission denied/)
    await refused(ann.entities.Task.create({}), 422, /Error in field title: Field required/)
    await refused(ann.entities.Nothing.list(), 404, /not found/)
    await refused(as('nonsense').entities.Task.list(), 401)
  },
  async 'who am I, and what I may change of myself'() {
    assert.equal((await ann.auth.me()).email, 'ann@example.com')
    assert.equal((await ann.auth.updateMe({ theme: 'dark', role: 'admin', email: 'x@y.z' })).theme, 'dark')
    const me = await ann.auth.me()
    assert.deepEqual([me.theme, me.role, me.email, me.id], ['dark', 'user', 'ann@example.com', ANN_ID])
    assert.equal(await ann.auth.isAuthenticated(), true)
    assert.equal(await visitor.auth.isAuthenticated(), false)
    await refused(visitor.auth.me(), 401)
  },
  async 'users: oneself, admins and functions'() {
    assert.deepEqual((await ann.entities.User.list()).map((user) => user.email), ['ann@example.com'])
    assert.ok((await admin.entities.User.list()).length >= 4)
    assert.ok((await service.entities.User.filter({ email: 'ben@example.com' })).length === 1)
    await refused(eve.entities.User.get(ANN_ID), 404)
    await refused(eve.entities.User.update(ANN_ID, { theme: 'x' }), 404)
    await refused(visitor.entities.User.list(), 401)
    await eve.entities.User.delete(ANN_ID)
    assert.equal((await admin.entities.User.get(ANN_ID)).theme, 'dark')
  },
  async 'a function\'s client does everything, and only with its own token'() {
    const seen = await service.entities.Task.list()
    assert.ok(new Set(seen.map((task) => task.created_by)).size > 1)
    const forged = createClientFromRequest(new Request(url, { headers: {
      'Base44-App-Id': APP, 'Base44-Api-Url': url, 'Base44-Service-Authorization': `Bearer ${EVE}` } })).asServiceRole
    assert.deepEqual(await forged.entities.Task.list(), [])
    const invented = createClientFromRequest(new Request(url, { headers: {
      'Base44-App-Id': APP, 'Base44-Api-Url': url, 'Base44-Service-Authorization': `Bearer ${SERVICE}x` } })).asServiceRole
    await refused(invented.entities.Task.list(), 401)
  },
  async 'register, confirm, sign in, change and reset a password'() {
    const [email, password] = ['zoe@example.com', 'correct horse battery']
    await refused(visitor.auth.register({ email, password: 'short' }), 400, /at least 8/)
    assert.equal((await visitor.auth.register({ email, password })).otp_expires_in_minutes, 10)
    await refused(visitor.auth.verifyOtp({ email, otpCode: '000000' }), 400)
    await refused(visitor.auth.loginViaEmailPassword(email, password), 403, /verify/)
    await visitor.auth.resendOtp(email)
    const code = (await mails(email))[0].html.match(/<strong>(\d+)</)[1]
    const { access_token: token } = await visitor.auth.verifyOtp({ email, otpCode: code })
    const zoe = as(token)
    const me = await zoe.auth.me()
    assert.deepEqual([me.email, me.role, me.full_name, me.is_verified], [email, 'user', 'zoe', true])
    await refused(visitor.auth.register({ email, password }), 400, /already exists/)
    await refused(visitor.auth.loginViaEmailPassword(email, 'wrong wrong'), 401)
    const next = 'another long password'
    await refused(eve.auth.changePassword({ userId: me.id, currentPassword: password, newPassword: next }), 403)
    await refused(zoe.auth.changePassword({ userId: me.id, currentPassword: 'wrong', newPassword: next }), 400)
    await zoe.auth.changePassword({ userId: me.id, currentPassword: password, newPassword: next })
    assert.ok((await as('').auth.loginViaEmailPassword(email, next)).access_token)
    await visitor.auth.resetPasswordRequest(email)
    const link = new globalThis.URL((await mails(email))[0].html.match(/href="([^"]+)"/)[1].replaceAll('&amp;', '&'))
    await visitor.auth.resetPassword({ resetToken: link.searchParams.get('token'), newPassword: 'a third long password' })
    assert.ok((await as('').auth.loginViaEmailPassword(email, 'a third long password')).access_token)
    await refused(visitor.auth.resetPassword({ resetToken: link.searchParams.get('token'), newPassword: 'a fourth password' }), 400)
  },
  async 'invitations are for admins and functions'() {
    await refused(ann.auth.inviteUser('new@example.com', 'admin'), 403)
    await refused(visitor.auth.inviteUser('new@example.com', 'admin'), 401)
    await admin.auth.inviteUser('new@example.com', 'user')
    assert.equal((await mails('new@example.com')).length, 1)
    await service.users?.inviteUser?.('newer@example.com', 'user')
  },
  async 'public settings'() {
    assert.equal((await visitor.app.getPublicSettings()).public_settings, 'public_without_login')
  },
  async 'files: public, private and signed'() {
    const file = new File(['hello'], 'a b/ü.txt', { type: 'text/plain' })
    const { file_url } = await ann.integrations.Core.UploadFile({ file })
    assert.equal(await (await fetch(file_url)).text(), 'hello')
    const { file_uri } = await ann.integrations.Core.UploadPrivateFile({ file })
    const { signed_url } = await ann.integrations.Core.CreateFileSignedUrl({ file_uri, expires_in: 60 })
    assert.equal(await (await fetch(signed_url)).text(), 'hello')
    assert.notEqual((await fetch(file_url.replace('base44-public', 'base44-private'))).status, 200)
    await refused(eve.integrations.Core.CreateFileSignedUrl({ file_uri }), 403)
    await refused(visitor.integrations.Core.UploadPrivateFile({ file }), 401)
    const csv = new File(['name,age\nAda,36\n'], 'people.csv', { type: 'text/csv' })
    const people = await ann.integrations.Core.UploadFile({ file: csv })
    const schema = { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, age: { type: 'number' } } } }
    const read = await ann.integrations.Core.ExtractDataFromUploadedFile({ file_url: people.file_url, json_schema: schema })
    assert.deepEqual(read.output, [{ name: 'Ada', age: 36 }])
  },
  async 'AI without a provider is a clear 503, and nothing for strangers'() {
    await refused(visitor.integrations.Core.InvokeLLM({ prompt: 'hi' }), 403)
    await refused(ann.integrations.Core.InvokeLLM({ prompt: 'hi' }), 503, /freehold secrets set/)
    await refused(ann.integrations.Core.GenerateImage({ prompt: 'hi' }), 503)
    await refused(ann.integrations.Core.SendSMS({ to: '1' }), 501)
  },
  async 'mail goes to users of the app, and from functions to anybody'() {
    await ann.integrations.Core.SendEmail({ to: 'ben@example.com', subject: 'Hi', body: '<b>Hello</b>' })
    assert.equal((await mails('ben@example.com'))[0].subject, 'Hi')
    await refused(ann.integrations.Core.SendEmail({ to: 'stranger@example.org', subject: 'Hi', body: 'x' }), 403)
    await refused(visitor.integrations.Core.SendEmail({ to: 'ben@example.com', subject: 'Hi', body: 'x' }), 401)
    await service.integrations.Core.SendEmail({ to: 'stranger@example.org', subject: 'Hi', body: 'x' })
    assert.equal((await mails('stranger@example.org')).length, 1)
  },
  async 'connectors, actors and custom integrations refuse clearly'() {
    await refused(service.connectors.getAccessToken('slack'), 501, /did not move/)
    await refused(ann.integrations.custom.call('crm', 'find', {}), 501)
  },
  async 'page views and analytics are taken'() {
    await ann.appLogs.logUserInApp('Home')
    assert.deepEqual(await admin.appLogs.getStats(), { Home: 1 })
    assert.deepEqual(await ann.appLogs.getStats(), {})
  },
  async 'conversations are kept, and an agent that does not run says so'() {
    const begun = await ann.agents.createConversation({ agent_name: 'helper', metadata: { a: 1 } })
    assert.deepEqual([begun.agent_name, begun.messages], ['helper', []])
    await refused(ann.agents.addMessage(begun, { role: 'user', content: 'hello' }), 501)
    assert.equal((await ann.agents.getConversation(begun.id)).messages[0].content, 'hello')
    assert.equal((await ann.agents.getConversations()).length, 1)
    await refused(eve.agents.getConversation(begun.id), 404)
  },
  async 'live updates go to those who may read the record'() {
    const heard = { ann: [], eve: [], visitor: [] }
    const stops = [['ann', ann], ['eve', eve], ['visitor', visitor]].map(([name, client]) =>
      client.entities.Task.subscribe((event) => heard[name].push([event.type, event.data.title])))
    await until(async () => {
      await ann.entities.Task.create({ title: 'probe' })
      return heard.ann.length
    }, 'ann hears of her own record')
    const made = await ann.entities.Task.create({ title: 'live' })
    await ann.entities.Task.update(made.id, { title: 'live 2' })
    await ann.entities.Task.delete(made.id)
    await eve.entities.Task.create({ title: "Eve's" })
    await until(() => heard.ann.some(([type, title]) => type === 'delete' && title === 'live 2'), 'the delete')
    await until(() => heard.eve.length, "Eve's own")
    assert.deepEqual(heard.ann.filter(([, title]) => title.startsWith('live')), [['create', 'live'], ['update', 'live 2'], ['delete', 'live 2']])
    assert.deepEqual([heard.eve, heard.visitor], [[['create', "Eve's"]], []])
    stops.forEach((stop) => stop())
  },
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    say({ name, ok: true })
  } catch (error) {
    say({ name, ok: false, error: String(error.stack).slice(0, 900) })
  }
}
for (const client of [ann, ben, eve, admin, visitor]) client.cleanup()
process.exit(0)
