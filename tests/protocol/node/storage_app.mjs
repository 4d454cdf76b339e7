// What apps do with supabase.storage, by an unmodified supabase-js: Ann, Ben and a visitor without a login.
// Prints one JSON object a case: {name, ok, error}.
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { createClient } from '@supabase/supabase-js'

const { URL: url, ANON, SERVICE, ANN_TOKEN, BEN_TOKEN, ANN, BEN } = process.env
const as = (key, token) =>
  createClient(url, key, token ? { accessToken: async () => token } : { auth: { persistSession: false } })
const ann = as(ANON, ANN_TOKEN).storage.from('files')
const ben = as(ANON, BEN_TOKEN).storage.from('files')
const visitor = as(ANON).storage
const service = as(SERVICE).storage

const done = ({ data, error }) => {
  assert.equal(error, null)
  return data
}
const refused = ({ data, error }, statusCode, message) => {
  assert.equal(data, null)
  assert.equal(error.statusCode, statusCode)
  if (message) assert.match(error.message, message)
}
const text = async (answer) => (await done(answer)).text()

const cases = {
  async 'a bucket is made, changed, listed, emptied and deleted'() {
    assert.deepEqual(done(await service.createBucket('temp', { public: true, fileSizeLimit: '1MB' })), { name: 'temp' })
    refused(await service.createBucket('temp'), '409', /already exists/)
    done(await service.updateBucket('temp', { public: false, allowedMimeTypes: ['image/*'] }))
    assert.equal(done(await service.getBucket('temp')).public, false)
    assert.ok(done(await service.listBuckets()).some((bucket) => bucket.id === 'temp'))
    refused(await service.from('temp').upload('a.txt', 'text', { contentType: 'text/plain' }), '415')
    done(await service.from('temp').upload('a.png', new Blob(['png'], { type: 'image/png' })))
    refused(await service.deleteBucket('temp'), '409', /not empty/)
    done(await service.emptyBucket('temp'))
    assert.deepEqual(done(await service.deleteBucket('temp')), { message: 'Successfully deleted' })
    refused(await service.getBucket('temp'), '404', /Bucket not found/)
  },
  async 'a visitor makes no bucket and sees none'() {
    refused(await visitor.createBucket('mine'), '403', /row-level security/)
    assert.deepEqual(done(await visitor.listBuckets()), [])
  },
  async 'a user uploads every kind of body and downloads it'() {
    const bodies = {
      blob: new Blob(['content'], { type: 'image/png' }),
      file: new File(['content'], 'f.png', { type: 'image/png' }),
      buffer: Buffer.from('content'),
      array: new TextEncoder().encode('content').buffer,
      string: 'content',
    }
    for (const [kind, body] of Object.entries(bodies)) {
      const sent = done(await ann.upload(`${ANN}/${kind}`, body, { cacheControl: '3600', metadata: { kind } }))
      assert.equal(sent.path, `${ANN}/${kind}`)
      assert.equal(sent.fullPath, `files/${ANN}/${kind}`)
      assert.ok(sent.id)
      assert.equal(await text(await ann.download(`${ANN}/${kind}`)), 'content')
      const info = done(await ann.info(`${ANN}/${kind}`))
      assert.deepEqual(info.metadata, { kind })
      assert.equal(info.size, 7)
      assert.match(info.cacheControl, /3600/)
    }
    const form = new FormData()
    form.append('', new Blob(['content']), 'x.txt')
    done(await ann.upload(`${ANN}/form`, form))
    done(await ann.upload(`${ANN}/stream`, createReadStream('package.json'), { duplex: 'half' }))
    assert.match(await text(await ann.download(`${ANN}/stream`)), /supabase-js/)
  },
  async 'nobody else reads, lists, signs, replaces or removes it'() {
    for (const other of [ben, visitor.from('files')]) {
      refused(await other.download(`${ANN}/blob`).then(named), '404')
      refused(await other.createSignedUrl(`${ANN}/blob`, 60), '404', /Object not found/)
      refused(await other.upload(`${ANN}/evil`, 'x'), '403', /row-level security/)
      refused(await other.upload(`${ANN}/blob`, 'x', { upsert: true }), '403', /row-level security/)
      refused(await other.update(`${ANN}/blob`, 'x'), '403', /row-level security/)
      refused(await other.move(`${ANN}/blob`, `${BEN}/blob`), '404')
      refused(await other.copy(`${ANN}/blob`, `${BEN}/blob`), '404')
      refused(await other.createSignedUploadUrl(`${ANN}/evil`), '403')
      assert.deepEqual(done(await other.list(ANN)), [])
      assert.deepEqual(done(await other.remove([`${ANN}/blob`])), [])
      assert.match(done(await other.createSignedUrls([`${ANN}/blob`], 60))[0].error, /do not have access/)
      assert.equal((await other.exists(`${ANN}/blob`)).data, false)
    }
    assert.equal(await text(await ann.download(`${ANN}/blob`)), 'content')
  },
  async 'upload refuses to replace, upsert and update replace'() {
    refused(await ann.upload(`${ANN}/blob`, 'two'), '409', /already exists/)
    done(await ann.upload(`${ANN}/blob`, 'two', { upsert: true }))
    assert.equal(await text(await ann.download(`${ANN}/blob`)), 'two')
    done(await ann.update(`${ANN}/blob`, 'three'))
    assert.equal(await text(await ann.download(`${ANN}/blob`)), 'three')
    assert.equal((await ann.exists(`${ANN}/blob`)).data, true)
  },
  async 'folders are listed, searched, sorted and paged'() {
    for (const name of ['list/b.txt', 'list/a.txt', 'list/sub/c.txt']) done(await ann.upload(`${ANN}/${name}`, 'x'))
    const names = (items) => items.map((item) => item.name)
    assert.deepEqual(names(done(await ann.list(`${ANN}/list`))), ['a.txt', 'b.txt', 'sub'])
    assert.deepEqual(names(done(await ann.list(`${ANN}/list`, { limit: 1, offset: 1 }))), ['b.txt'])
    assert.deepEqual(names(done(await ann.list(`${ANN}/list`, { search: 'a' }))), ['a.txt'])
    const newest = { sortBy: { column: 'created_at', order: 'desc' } }
    assert.deepEqual(names(done(await ann.list(`${ANN}/list`, newest)).filter((item) => item.id)), ['a.txt', 'b.txt'])
    const page = done(await ann.listV2({ prefix: `${ANN}/list/`, limit: 2, with_delimiter: true }))
    assert.equal(page.hasNext, true)
    const rest = done(await ann.listV2({ prefix: `${ANN}/list/`, with_delimiter: true, cursor: page.nextCursor }))
    assert.deepEqual(names(rest.folders), [`${ANN}/list/sub/`])
  },
  async 'a public address works without a login and names the download'() {
    done(await service.from('open').upload('dir/hello world.txt', 'hello', { contentType: 'text/plain' }))
    const { publicUrl } = visitor.from('open').getPublicUrl('dir/hello world.txt', { download: 'greeting.txt' }).data
    const answer = await fetch(publicUrl)
    assert.equal(await answer.text(), 'hello')
    assert.match(answer.headers.get('content-disposition'), /greeting\.txt/)
    assert.equal((await fetch(visitor.from('files').getPublicUrl(`${ANN}/blob`).data.publicUrl)).status, 400)
  },
  async 'signed addresses open one object to anybody'() {
    const { signedUrl } = done(await ann.createSignedUrl(`${ANN}/buffer`, 60, { download: true }))
    const answer = await fetch(signedUrl)
    assert.equal(await answer.text(), 'content')
    assert.match(answer.headers.get('content-disposition'), /^attachment/)
    const many = done(await ann.createSignedUrls([`${ANN}/buffer`, `${ANN}/never`], 60))
    assert.equal((await fetch(many[0].signedUrl)).status, 200)
    assert.ok(many[1].error)
    const other = signedUrl.replace('/buffer', '/blob')
    assert.equal((await fetch(other)).status, 400)
  },
  async 'a signed upload works once, for anybody, as the signer'() {
    const { path, token } = done(await ann.createSignedUploadUrl(`${ANN}/gift`))
    done(await visitor.from('files').uploadToSignedUrl(path, token, new Blob(['gift'])))
    refused(await visitor.from('files').uploadToSignedUrl(path, token, 'again'), '409')
    refused(await visitor.from('files').uploadToSignedUrl(`${ANN}/other`, token, 'x'), '400')
    assert.equal(await text(await ann.download(`${ANN}/gift`)), 'gift')
  },
  async 'objects are moved, copied and removed'() {
    done(await ann.copy(`${ANN}/gift`, `${ANN}/copy`))
    assert.equal(done(await ann.move(`${ANN}/gift`, `${ANN}/moved/gift`)).message, 'Successfully moved')
    refused(await ann.move(`${ANN}/copy`, `${ANN}/moved/gift`), '409')
    refused(await ann.download(`${ANN}/gift`).then(named), '404')
    const removed = done(await ann.remove([`${ANN}/copy`, `${ANN}/moved/gift`, `${ANN}/never`]))
    assert.equal(removed.length, 2)
  },
  async 'what is too large or badly named is refused'() {
    refused(await ann.upload(`${ANN}/large`, Buffer.alloc(1_000_001)), '413', /maximum allowed size/)
    refused(await ann.upload(`${ANN}/large`, new Blob([Buffer.alloc(1_000_001)])), '413', /maximum allowed size/)
    refused(await ann.upload(`${ANN}/schön.png`, 'x'), '400', /Invalid key/)
    refused(await as(ANON, ANN_TOKEN).storage.from('never').upload('a', 'x'), '404', /Bucket not found/)
  },
  async 'a token that does not hold is refused'() {
    refused(await as(ANON, `${ANN_TOKEN}x`).storage.from('files').upload(`${ANN}/a`, 'x'), '403')
    refused(await as('not-a-key').storage.listBuckets(), '403')
  },
}

// A failed download carries the answer itself: read the storage error out of it.
async function named({ data, error }) {
  if (!error?.originalError?.json) return { data, error }
  const body = await error.originalError.json().catch(() => ({}))
  return { data, error: { ...body, statusCode: body.statusCode ?? error.statusCode } }
}

for (const [name, run] of Object.entries(cases)) {
  const error = await run().then(() => null, (problem) => String(problem.stack))
  console.log(JSON.stringify({ name, ok: error === null, error }))
}
