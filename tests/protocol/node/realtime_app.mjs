// What apps do with supabase.channel(), by an unmodified supabase-js. Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'

const { URL: url, PUBLISHABLE, ANON_KEY, ANN, ANN_TOKEN, BEN_TOKEN, SERVICE_KEY, VSN } = process.env
const client = (accessToken, key = PUBLISHABLE) => createClient(url, key, {
  auth: { persistSession: false },
  realtime: { vsn: VSN, log_level: 'error' },
  ...(accessToken ? { accessToken: async () => accessToken } : {}),
})
const ann = client(ANN_TOKEN)
const ben = client(BEN_TOKEN)
const anon = client(null, ANON_KEY)
const service = createClient(url, SERVICE_KEY, { auth: { persistSession: false } })

const waiting = (find, what) => new Promise((resolve, reject) => {
  const end = Date.now() + 30000
  const look = () => {
    const found = find()
    if (found) resolve(found)
    else if (Date.now() > end) reject(new Error(`waited in vain for ${what}`))
    else setTimeout(look, 20)
  }
  look()
})
const subscribed = (channel) => new Promise((resolve, reject) => {
  channel.subscribe((status, error) => {
    if (status === 'SUBSCRIBED') resolve(channel)
    if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') reject(error ?? new Error(status))
  })
})
const following = async (channel) => {
  let ready = false
  channel.on('system', {}, (payload) => {
    if (payload.extension === 'postgres_changes') {
      assert.equal(payload.status, 'ok', payload.message)
      ready = true
    }
  })
  await subscribed(channel)
  await waiting(() => ready, 'the subscription')
  return channel
}
const done = ({ data, error }) => {
  assert.equal(error, null, JSON.stringify(error))
  return data
}

const cases = {
  async 'changes of one\'s own rows arrive, with old and new values, and no others'() {
    const heard = { ann: [], ben: [] }
    const channels = []
    for (const [name, who] of [['ann', ann], ['ben', ben]]) {
      channels.push(await following(who.channel('changes').on(
        'postgres_changes', { event: '*', schema: 'public', table: 'notes' }, (payload) => heard[name].push(payload))))
    }
    const [row] = done(await ann.from('notes').insert({ owner: ANN, title: 'a', amount: 1.5, tags: ['x'] }).select('id'))
    await waiting(() => heard.ann.length === 1, 'the insert')
    done(await ann.from('notes').update({ done: true }).eq('id', row.id))
    await waiting(() => heard.ann.length === 2, 'the update')
    done(await service.from('notes').delete().eq('id', row.id))
    await waiting(() => heard.ann.length === 3 && heard.ben.length > 0, 'the deletion')
    const [inserted, updated, deleted] = heard.ann
    assert.deepEqual([inserted.eventType, inserted.new.title, inserted.new.amount], ['INSERT', 'a', 1.5])
    assert.deepEqual(inserted.new.tags, ['x'])
    assert.deepEqual([updated.eventType, updated.old.done, updated.new.done], ['UPDATE', false, true])
    assert.deepEqual([deleted.eventType, deleted.old], ['DELETE', { id: row.id }])
    assert.equal(inserted.errors, null)
    assert.deepEqual(heard.ben.map((payload) => payload.eventType), ['DELETE'])
    for (const channel of channels) assert.equal(await channel.unsubscribe(), 'ok')
  },
  async 'events and filters choose what is heard'() {
    const heard = []
    const filter = { event: 'UPDATE', schema: 'public', table: 'news', filter: 'id=eq.7' }
    const channel = await following(anon.channel('filtered')
      .on('postgres_changes', filter, (payload) => heard.push(['update', payload.new.id]))
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'news' }, (p) => heard.push(['insert', p.new.id])))
    done(await service.from('news').insert([{ id: 7, title: 'x' }, { id: 8, title: 'y' }]))
    done(await service.from('news').update({ title: 'z' }).gte('id', 7))
    await waiting(() => heard.length >= 3, 'three events')
    assert.deepEqual(heard, [['insert', 7], ['insert', 8], ['update', 7]])
    await anon.removeChannel(channel)
  },
  async 'a table that is not published is told'() {
    const errors = []
    const channel = anon.channel('unheard')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'unheard' }, () => {})
      .on('system', {}, (payload) => errors.push(payload))
    await subscribed(channel)
    await waiting(() => errors.length > 0, 'the error')
    assert.equal(errors[0].status, 'error')
    await anon.removeChannel(channel)
  },
  async 'broadcasts reach the others, and oneself when asked'() {
    const heard = { ann: [], ben: [] }
    const one = await subscribed(ann.channel('lobby', { config: { broadcast: { self: true, ack: true } } })
      .on('broadcast', { event: 'cursor' }, (message) => heard.ann.push(message)))
    const two = await subscribed(ben.channel('lobby')
      .on('broadcast', { event: '*' }, (message) => heard.ben.push(message)))
    assert.equal(await one.send({ type: 'broadcast', event: 'cursor', payload: { x: 1, text: 'größe 🙂' } }), 'ok')
    await two.send({ type: 'broadcast', event: 'cursor', payload: { x: 2 } })
    await waiting(() => heard.ann.length === 2 && heard.ben.length === 1, 'both')
    assert.deepEqual(heard.ann.map((message) => message.payload.x), [1, 2])
    assert.deepEqual(heard.ben[0].payload, { x: 1, text: 'größe 🙂' })
    await ann.removeChannel(one)
    await ben.removeChannel(two)
  },
  async 'a channel that is not joined sends over HTTP'() {
    const heard = []
    const listening = await subscribed(anon.channel('news').on('broadcast', { event: 'x' }, (message) => heard.push(message.payload)))
    const sender = ann.channel('news')
    assert.equal(await sender.send({ type: 'broadcast', event: 'x', payload: { by: 'fallback' } }), 'ok')
    if (sender.httpSend) assert.deepEqual(await sender.httpSend('x', { by: 'http' }), { success: true })
    await waiting(() => heard.length >= (sender.httpSend ? 2 : 1), 'the message')
    assert.equal(heard[0].by, 'fallback')
    await anon.removeChannel(listening)
  },
  async 'presence shows who is there'() {
    const states = []
    const one = ann.channel('room', { config: { presence: { key: 'ann' } } })
    one.on('presence', { event: 'sync' }, () => states.push(Object.keys(one.presenceState()).sort().join()))
    await subscribed(one)
    assert.equal(await one.track({ page: 'a' }), 'ok')
    const two = ben.channel('room', { config: { presence: { key: 'ben' } } })
    let left = null
    two.on('presence', { event: 'leave' }, (payload) => { left = payload })
    await subscribed(two)
    assert.equal(await two.track({ page: 'b' }), 'ok')
    await waiting(() => states.at(-1) === 'ann,ben', 'both to be there')
    assert.equal(two.presenceState().ann[0].page, 'a')
    await one.untrack()
    await waiting(() => left?.key === 'ann', 'ann to go')
    await ann.removeChannel(one)
    await ben.removeChannel(two)
  },
  async 'private channels let in whom their policies let in'() {
    const heard = []
    const own = ann.channel(`room-${ANN}`, { config: { private: true, broadcast: { self: true } } })
    own.on('broadcast', { event: '*' }, (message) => heard.push(message.payload))
    await subscribed(own)
    await own.send({ type: 'broadcast', event: 'x', payload: { n: 1 } })
    await waiting(() => heard.length === 1, 'the message')
    const foreign = ben.channel(`room-${ANN}`, { config: { private: true } })
    await assert.rejects(subscribed(foreign), /You do not have permissions to read from this Channel topic/)
    await ann.removeChannel(own)
    await ben.removeChannel(foreign)
  },
}

// With an accessToken callback the client joins its very first channel before the callback has answered.
await Promise.all([ann.realtime.setAuth(), ben.realtime.setAuth()])
for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, error: String(error?.stack ?? error) }))
  }
}
process.exit(0)
