// What apps do with an unmodified @base44/sdk: Ann, Ben, Eve who attacks, a visitor, and a function's own client.
// Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { sdk, unseen, watched } from './base44_surface.mjs'

const { URL: url, APP, ANN, BEN, EVE, ADMIN, ANN_ID, SERVICE, MAIL } = process.env
console.log = () => {}
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const as = (token, more = {}) => watched(
  sdk.createClient({ appId: APP, serverUrl: url, appBaseUrl: url, requiresAuth: false, ...(token ? { token } : {}), ...more }))
const [ann, ben, eve, admin, visitor] = [as(ANN), as(BEN), as(EVE), as(ADMIN), as('')]
const inFunction = watched(sdk.createClientFromRequest(new Request(url, { headers: {
  'Base44-App-Id': APP, 'Base44-Api-Url': url, 'Base44-Service-Authorization': `Bearer ${SERVICE}`,
  Authorization: `Bearer ${ANN}` } })))
const service = inFunction.asServiceRole
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
    const { Core } = service.integrations
    const tasks = service.entities.Task
    const seen = await tasks.list()
    assert.ok(new Set(seen.map((task) => task.created_by)).size > 1)
    const made = await tasks.create({ title: 'job', points: 1, note: 'for admins' })
    assert.deepEqual([made.created_by_id, (await tasks.get(made.id)).note], ['service', 'for admins'])
    await refused(ann.entities.Task.get(made.id), 404)
    const heard = []
    const stop = tasks.subscribe((event) => heard.push(event.data.title))
    await until(async () => {
      await ann.entities.Task.create({ title: 'probe' })
      return heard.includes('probe')
    }, 'a function\'s client hears')
    stop()
    await ann.entities.Task.deleteMany({ title: 'probe' })
    await tasks.update(made.id, { points: 2 })
    await tasks.bulkCreate([{ title: 'job', points: 3 }, { title: 'job', points: 4 }])
    assert.deepEqual([await tasks.count({ title: 'job' }), (await tasks.filter({ title: 'job' }, 'points')).map((task) => task.points)], [3, [2, 3, 4]])
    assert.deepEqual((await tasks.aggregate({ query: { title: 'job' }, sum: 'points' })).rows, [{ count: 3, sum_points: 9 }])
    assert.equal((await tasks.updateMany({ title: 'job' }, { $inc: { points: 1 } })).updated, 3)
    assert.equal((await tasks.bulkUpdate([{ id: made.id, points: 7 }]))[0].points, 7)
    assert.deepEqual((await tasks.upsert([{ title: 'other job' }], { key: 'title' })).created, 1)
    const lines = new File(['title\nother job\n'], 'jobs.csv', { type: 'text/csv' })
    assert.equal((await tasks.importEntities(lines)).status, 'success')
    assert.deepEqual(await tasks.delete(made.id), { success: true })
    assert.equal((await tasks.deleteMany({ title: { $in: ['job', 'other job'] } })).deleted, 4)
    const file = new File(['name\nAda\n'], 'people.csv', { type: 'text/csv' })
    const { file_url } = await Core.UploadFile({ file })
    const json_schema = { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } }
    assert.deepEqual((await Core.ExtractDataFromUploadedFile({ file_url, json_schema })).output, [{ name: 'Ada' }])
    const { file_uri } = await Core.UploadPrivateFile({ file })
    assert.equal((await fetch((await Core.CreateFileSignedUrl({ file_uri })).signed_url)).status, 200)
    await refused(ann.integrations.Core.CreateFileSignedUrl({ file_uri }), 403)
    await refused(Core.InvokeLLM({ prompt: 'hi' }), 503)
    await refused(Core.GenerateImage({ prompt: 'hi' }), 503)
    const forged = sdk.createClientFromRequest(new Request(url, { headers: {
      'Base44-App-Id': APP, 'Base44-Api-Url': url, 'Base44-Service-Authorization': `Bearer ${EVE}` } })).asServiceRole
    assert.deepEqual(await forged.entities.Task.list(), [])
    const invented = sdk.createClientFromRequest(new Request(url, { headers: {
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
    await refused(ann.users.inviteUser('newer@example.com', 'admin'), 403)
    await admin.users.inviteUser('newer@example.com', 'user')
    assert.equal((await mails('newer@example.com')).length, 1)
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
  async 'what stayed at the builder is refused in a sentence'() {
    const { connectors, integrations, sso } = service
    for (const call of ['getAccessToken', 'getConnection', 'getWorkspaceConnection', 'getCurrentAppUserAccessToken', 'getCurrentAppUserConnection'])
      await refused(connectors[call]('slack'), 501, /did not move/)
    await refused(connectors.callApi('slack', { path: '/me' }), 501, /your own key/)
    await refused(ann.connectors.connectAppUser('slack'), 501, /did not move/)
    await refused(ann.connectors.disconnectAppUser('slack'), 501, /did not move/)
    await refused(sso.getAccessToken(ANN_ID), 501, /not set up/)
    await refused(sso.getIdToken(ANN_ID), 501, /not set up/)
    for (const module of [ann.integrations, integrations]) {
      await refused(module.custom.call('crm', 'find', {}), 501)
      await refused(module.Crm.find({}), 501, /not installed/)
    }
    for (const agents of [ann.agents, service.agents])
      for (const address of [agents.getWhatsAppConnectURL('helper'), agents.getTelegramConnectURL('helper')])
        assert.equal((await fetch(address)).status, 501)
  },
  async 'an actor is refused once, and not asked for again'() {
    const errors = []
    const client = as(ANN, { options: { onError: (error) => errors.push(error.status) } })
    client.actors.Room('one').connect()
    await until(() => errors.length, 'the refusal')
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual(errors, [404])
    client.cleanup()
  },
  async 'functions are called by name and by address, and know who calls'() {
    const file = new File(['in it'], 'a.txt', { type: 'text/plain' })
    for (const [functions, token] of [[ann.functions, ANN], [service.functions, SERVICE]]) {
      const { data } = await functions.invoke('echo', { n: [1, 'ä'] })
      assert.deepEqual([JSON.parse(data.body), data.headers.authorization], [{ n: [1, 'ä'] }, `Bearer ${token}`])
      assert.deepEqual([data.headers['base44-app-id'], data.service, data.api], [APP, ['Bearer', 2], true])
      const form = await functions.invoke('echo', { file })
      assert.match(form.data.headers['content-type'], /^multipart\/form-data/)
      const answer = await functions.fetch('/echo?a=1', { method: 'PUT', body: 'words' })
      const seen = await answer.json()
      assert.deepEqual([seen.method, seen.search, seen.body, seen.headers.authorization], ['PUT', '?a=1', 'words', `Bearer ${token}`])
    }
    await refused(ann.functions.invoke('none', {}), 404)
    const told = await inFunction.fetchWithAuth('/api/functions/echo', { fetch: (path, init) => fetch(url + path, init) })
    assert.equal((await told.json()).headers.authorization, `Bearer ${ANN}`)
  },
  async 'the AI gateway speaks by the owner\'s provider, for those who are signed in'() {
    for (const [client, status] of [[ann, 503], [service, 503], [visitor, 403]]) {
      const { baseURL, token } = client.aiGateway.connection()
      const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
      const body = JSON.stringify({ model: 'automatic', messages: [] })
      const answer = await fetch(`${baseURL}/chat/completions`, { method: 'POST', headers, body })
      assert.equal(answer.status, status)
      assert.equal((await fetch(`${baseURL}/files`, { method: 'POST', headers, body })).status, 501)
    }
  },
  async 'signing in and out leads to addresses of the app'() {
    const kept = new Map()
    const localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) }
    const location = { href: `${url}/somewhere`, origin: url, search: '', pathname: '/somewhere', hash: '' }
    globalThis.window = { location, localStorage }
    globalThis.window.parent = globalThis.window
    try {
      const leads = async () => {
        const answer = await fetch(location.href, { redirect: 'manual' })
        return [answer.status, new globalThis.URL(answer.headers.get('location') ?? '/', url).origin]
      }
      visitor.auth.redirectToLogin('/next')
      assert.deepEqual([location.href, await leads()], [`${url}/login?from_url=${encodeURIComponent(`${url}/next`)}`, [200, url]])
      visitor.auth.loginWithProvider('google', '/next')
      assert.deepEqual(await leads(), [302, url])
      visitor.auth.loginWithProvider('sso', '/next')
      assert.equal((await leads())[0], 501)
      assert.equal(sdk.saveAccessToken(ANN, {}), true)
      assert.equal(sdk.getAccessToken(), ANN)
      visitor.auth.logout(`${url}/bye`)
      assert.deepEqual([location.href, await leads()], [`${url}/api/apps/auth/logout?from_url=${encodeURIComponent(`${url}/bye`)}`, [302, url]])
      sdk.saveAccessToken(ANN, {})
      sdk.removeAccessToken({})
      assert.equal(sdk.getAccessToken(), null)
      location.href = sdk.getLoginUrl(`${url}/next`, { serverUrl: url, appId: APP })
      assert.deepEqual(await leads(), [200, url])
    } finally {
      delete globalThis.window
    }
  },
  async 'another person takes the client over'() {
    const client = as(ANN)
    assert.equal((await client.auth.me()).email, 'ann@example.com')
    client.auth.setToken(BEN)
    assert.equal((await client.auth.me()).email, 'ben@example.com')
    client.setToken(EVE)
    assert.deepEqual([(await client.auth.me()).email, client.auth.hasToken(), client.getConfig().appId], ['eve@example.com', true, APP])
    client.cleanup()
  },
  async 'page views and analytics are taken'() {
    await ann.appLogs.logUserInApp('Home')
    await service.appLogs.logUserInApp('Job')
    for (const logs of [admin.appLogs, service.appLogs]) {
      assert.deepEqual(await logs.getStats(), { Home: 1, Job: 1 })
      assert.deepEqual((await logs.fetchLogs({ limit: 5 })).map((line) => line.page_name).sort(), ['Home', 'Job'])
    }
    assert.deepEqual([await ann.appLogs.getStats(), await ann.appLogs.fetchLogs()], [{}, []])
    const taken = []
    const between = createServer(async (asked, answer) => {
      const body = Buffer.concat(await Array.fromAsync(asked)).toString()
      const found = await fetch(url + asked.url, { method: asked.method, headers: { 'content-type': 'application/json' }, ...(body && { body }) })
      taken.push([asked.url, found.status, body.includes('bought')])
      answer.writeHead(found.status, { 'content-type': 'application/json' }).end(await found.text())
    })
    await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve))
    const client = watched(sdk.createClient({ appId: APP, serverUrl: `http://127.0.0.1:${between.address().port}` }))
    await until(() => {
      client.analytics.track({ eventName: 'bought', properties: { n: 1 } })
      return taken.length
    }, 'an event is taken')
    client.analytics.cleanup()
    assert.deepEqual(taken[0], [`/api/apps/${APP}/analytics/track/batch`, 200, true])
    between.close()
  },
  async 'conversations are kept for whom they belong to, and an agent that does not run says so'() {
    const begun = await ann.agents.createConversation({ agent_name: 'helper', metadata: { priority: 'high', n: 2 } })
    assert.deepEqual([begun.agent_name, begun.messages, begun.app_id, begun.created_by_id], ['helper', [], APP, ANN_ID])
    const other = await ann.agents.createConversation({ agent_name: 'other' })
    const heard = { ann: [], eve: [], function: [] }
    const stops = [['ann', ann], ['function', service]].map(([name, client]) =>
      client.agents.subscribeToConversation(begun.id, ({ messages }) => heard[name].push(messages.at(-1).content)))
    process.once('unhandledRejection', (error) => heard.eve.push(error.status)) // the SDK awaits nobody's answer here
    eve.agents.subscribeToConversation(begun.id, () => heard.eve.push('a message'))
    await until(async () => {
      await refused(ann.agents.addMessage(begun, { role: 'assistant', content: 'hello' }), 501, /nobody answers/)
      return heard.ann.length
    }, 'ann hears of her own message')
    const said = await service.agents.addMessage(begun, { role: 'assistant', content: 'I am a function' })
    assert.deepEqual([said.role, said.content], ['assistant', 'I am a function'])
    await until(() => heard.ann.includes('I am a function') && heard.function.includes('I am a function'), 'the answer')
    stops.forEach((stop) => stop())
    const { messages } = await ann.agents.getConversation(begun.id)
    assert.deepEqual([messages[0].role, messages[0].content, messages.at(-1).role], ['user', 'hello', 'assistant'])
    const ids = async (agents, asked) => (await agents.listConversations(asked)).map((found) => found.id).sort()
    assert.deepEqual(await ids(ann.agents, { q: { agent_name: 'helper' } }), [begun.id])
    assert.deepEqual(await ids(ann.agents, { q: { 'metadata.priority': 'high', 'metadata.n': 2 } }), [begun.id])
    assert.deepEqual(await ids(ann.agents, { q: { $or: [{ agent_name: 'none' }, { agent_name: { $in: ['other'] } }] } }), [other.id])
    assert.deepEqual(await ann.agents.listConversations({ sort: '-created_date', limit: 1, fields: ['id', 'agent_name'] }), [{ id: other.id, agent_name: 'other' }])
    assert.equal((await ann.agents.listConversations({ sort: '-created_date', limit: 1, skip: 1 }))[0].id, begun.id)
    await refused(ann.agents.listConversations({ q: { $where: 'true' } }), 400, /not known/)
    assert.equal((await ann.agents.getConversations()).length, 2)
    await refused(eve.agents.getConversation(begun.id), 404)
    await refused(eve.agents.addMessage(begun, { role: 'user', content: 'x' }), 404)
    await refused(visitor.agents.getConversations(), 401)
    assert.deepEqual([await eve.agents.getConversations(), heard.eve], [[], [404]])
    const { agents } = service
    assert.ok((await agents.getConversation(begun.id)).messages.length)
    assert.ok((await agents.getConversations()).length >= 2)
    assert.deepEqual(await ids(agents, { q: { agent_name: 'other' } }), [other.id])
    assert.equal((await agents.createConversation({ agent_name: 'own' })).created_by_id, 'service')
    assert.equal((await ann.agents.getConversations()).length, 2)
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
  async 'every call that the package offers was made in one of these cases'() {
    service.cleanup()
    assert.deepEqual(await unseen(inFunction), [])
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
for (const client of [ann, ben, eve, admin, visitor, inFunction]) client.cleanup()
process.exit(0)
