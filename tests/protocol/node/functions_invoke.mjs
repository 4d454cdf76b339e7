// What apps do with supabase.functions, by an unmodified supabase-js. Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createClient, FunctionsHttpError } from '@supabase/supabase-js'

const { URL: url, PUBLISHABLE, OLD_KEY, ANN_TOKEN } = process.env
const client = createClient(url, PUBLISHABLE, { auth: { persistSession: false } })
const old = createClient(url, OLD_KEY, { auth: { persistSession: false } })
const ann = createClient(url, PUBLISHABLE, { accessToken: async () => ANN_TOKEN })

const done = ({ data, error }) => {
  assert.equal(error, null)
  return data
}

const cases = {
  async 'JSON goes there and comes back'() {
    const data = done(await client.functions.invoke('echo', { body: { a: [1, 'ü'] } }))
    assert.deepEqual(JSON.parse(data.body), { a: [1, 'ü'] })
    assert.equal(data.type, 'application/json')
  },
  async 'text, forms and bytes keep their kind'() {
    assert.equal(done(await client.functions.invoke('echo', { body: 'plain' })).body, 'plain')
    const form = new FormData()
    form.set('name', 'value')
    assert.match(done(await client.functions.invoke('echo', { body: form })).type, /^multipart\/form-data; boundary=/)
    const bytes = done(await client.functions.invoke('bytes', { body: new Uint8Array([1, 2, 3]).buffer }))
    assert.deepEqual(new Uint8Array(await bytes.arrayBuffer()), new Uint8Array([1, 2, 3]))
  },
  async 'every method arrives, with query and headers'() {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const data = done(await client.functions.invoke('echo/sub?q=1', { method, headers: { 'x-own': 'yes' } }))
      assert.deepEqual([data.method, data.path, data.own], [method, '/echo/sub?q=1', 'yes'])
    }
  },
  async 'the person who calls is the person the function sees'() {
    assert.equal(done(await ann.functions.invoke('echo')).authorization, `Bearer ${ANN_TOKEN}`)
    assert.equal(done(await old.functions.invoke('echo')).authorization, `Bearer ${OLD_KEY}`)
    assert.match(done(await client.functions.invoke('echo')).authorization, /^Bearer ey/)
  },
  async 'an error of the function is the function\'s own'() {
    const { data, error } = await client.functions.invoke('refuses')
    assert.equal(data, null)
    assert.ok(error instanceof FunctionsHttpError)
    assert.equal(error.context.status, 402)
    assert.deepEqual(await error.context.json(), { error: 'Payment required' })
  },
  async 'a token that is not valid is refused'() {
    const wrong = createClient(url, PUBLISHABLE, { accessToken: async () => 'ey.not.valid' })
    const { error } = await wrong.functions.invoke('echo')
    assert.ok(error instanceof FunctionsHttpError)
    assert.equal(error.context.status, 401)
  },
  async 'a function that is not there'() {
    const { error } = await client.functions.invoke('none')
    assert.equal(error.context.status, 404)
  },
  async 'an event stream is read as it comes'() {
    const response = done(await client.functions.invoke('stream'))
    const texts = []
    for await (const block of response.body) texts.push(new TextDecoder().decode(block))
    assert.equal(texts.join(''), 'data: 1\n\ndata: 2\n\n')
    assert.equal(texts[0], 'data: 1\n\n')
  },
  async 'supabase-js inside a function calls the API as the person'() {
    const data = done(await ann.functions.invoke('inside'))
    assert.equal(data.path, '/rest/v1/todos')
    assert.equal(data.query, 'select=*')
    assert.equal(data.headers.authorization, `Bearer ${ANN_TOKEN}`)
    assert.equal(data.headers.host, new URL(url).host)
  },
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, error: String(error?.stack ?? error) }))
  }
}
process.exit(0)
