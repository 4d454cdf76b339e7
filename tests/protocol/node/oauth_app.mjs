// Sign-in by other providers with the unmodified client. Each case prints {name, ok, detail} as one line.
import { createClient } from '@supabase/supabase-js'
import { createHash } from 'node:crypto'

const { URL: url, ANON: anon, NATIVE: native, NONCE: nonce } = process.env
const memory = () => {
  const kept = new Map()
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) }
}
// A browser without a screen: cookies by host, redirects one at a time, and the provider's forms. What the client
// itself asks goes through it too, as in a browser.
const visitor = () => {
  const cookies = new Map()
  const open = async (place, options = {}) => {
    const host = new globalThis.URL(place).host
    const kept = cookies.get(host) ?? new Map()
    cookies.set(host, kept)
    const headers = new Headers(options.headers)
    headers.set('cookie', [...kept].map(([name, value]) => `${name}=${value}`).join('; '))
    const answer = await fetch(place, { ...options, headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s)
      kept.set(name, value)
    }
    return answer
  }
  const signIn = async (start, person) => {
    let place = start
    let answer = await open(place)
    for (let step = 0; step < 20; step++) {
      const location = answer.headers.get('location')
      if (location) {
        place = new globalThis.URL(location, place).href
        if (place.startsWith(url) && !place.startsWith(`${url}/auth/v1/`)) return new globalThis.URL(place)
        answer = await open(place)
        continue
      }
      const page = await answer.text()
      const action = page.match(/<form[^>]*action="([^"]+)"/)
      must(action, `no form at ${place}: ${answer.status} ${page.slice(0, 300)}`)
      const fields = new URLSearchParams([...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map((found) => [found[1], found[2]]))
      if (page.includes('name="login"')) {
        fields.set('login', person)
        fields.set('password', 'any')
      }
      place = new globalThis.URL(action[1], place).href
      answer = await open(place, { method: 'POST', body: fields })
    }
    throw new Error(`the provider did not come back: ${place}`)
  }
  return { open, signIn }
}
const client = (flowType, browser = visitor()) => ({
  browser,
  found: createClient(url, anon, { auth: { storage: memory(), autoRefreshToken: false, detectSessionInUrl: false, flowType }, global: { fetch: browser.open } }),
})
const must = (condition, detail) => {
  if (!condition) throw new Error(typeof detail === 'string' ? detail : JSON.stringify(detail))
}
const good = ({ data, error }) => {
  must(!error, error && `${error.name} ${error.status} ${error.code} ${error.message}`)
  return data
}
const refused = ({ error }, code) => must(error?.code === code, error ?? `expected ${code}`)
const fragment = (place) => Object.fromEntries(new URLSearchParams(place.hash.slice(1)))

const cases = {
  'implicit: tokens in the fragment become a session': async () => {
    const { found, browser } = client('implicit')
    const { url: start } = good(await found.auth.signInWithOAuth({ provider: 'google', options: { redirectTo: `${url}/in`, scopes: 'offline_access', queryParams: { prompt: 'consent' } } }))
    const place = await browser.signIn(start, 'ann@example.com')
    const got = fragment(place)
    must(place.pathname === '/in' && got.provider_token, got)
    const { user } = good(await found.auth.setSession({ access_token: got.access_token, refresh_token: got.refresh_token }))
    must(user.email === 'ann@example.com' && user.app_metadata.provider === 'google', user)
    const { claims } = good(await found.auth.getClaims())
    must(claims.amr[0].method === 'oauth', claims)
    good(await found.auth.refreshSession())
    const { error } = await found.auth.signOut()
    must(!error, error)
  },
  'PKCE: a code and its verifier become a session with the provider tokens': async () => {
    const { found, browser } = client('pkce')
    const { url: start } = good(await found.auth.signInWithOAuth({ provider: 'gitlab', options: { redirectTo: `${url}/in` } }))
    const place = await browser.signIn(start, 'bea@example.com')
    const code = place.searchParams.get('code')
    const { session } = good(await found.auth.exchangeCodeForSession(code))
    must(session.user.email === 'bea@example.com' && session.provider_token, session)
    const other = client('pkce')
    good(await other.found.auth.signInWithOAuth({ provider: 'gitlab' }))
    refused(await other.found.auth.exchangeCodeForSession(code), 'flow_state_not_found')
  },
  'a second provider with the same address is the same person': async () => {
    const ids = []
    for (const provider of ['google', 'gitlab']) {
      const { found, browser } = client('pkce')
      const { url: start } = good(await found.auth.signInWithOAuth({ provider, options: { redirectTo: url + '/in' } }))
      const place = await browser.signIn(start, 'both@example.com')
      ids.push(good(await found.auth.exchangeCodeForSession(place.searchParams.get('code'))).user.id)
    }
    must(ids[0] === ids[1], ids)
  },
  'linkIdentity, getUserIdentities, unlinkIdentity': async () => {
    const { found, browser } = client('implicit')
    good(await found.auth.signUp({ email: 'link@example.com', password: 'correct horse' }))
    const { url: start } = good(await found.auth.linkIdentity({ provider: 'google', options: { redirectTo: `${url}/in` } }))
    const got = fragment(await browser.signIn(start, 'elsewhere@example.com'))
    good(await found.auth.setSession({ access_token: got.access_token, refresh_token: got.refresh_token }))
    const { identities } = good(await found.auth.getUserIdentities())
    must(identities.map((item) => item.provider).join() === 'email,google', identities)
    good(await found.auth.unlinkIdentity(identities[1]))
    const left = good(await found.auth.getUserIdentities()).identities
    must(left.length === 1, left)
    refused(await found.auth.unlinkIdentity(left[0]), 'single_identity_not_deletable')
  },
  'an anonymous user keeps the account when linking': async () => {
    const { found, browser } = client('implicit')
    const { user: before } = good(await found.auth.signInAnonymously())
    const { url: start } = good(await found.auth.linkIdentity({ provider: 'google', options: { redirectTo: `${url}/in` } }))
    const got = fragment(await browser.signIn(start, 'once.nobody@example.com'))
    const { user } = good(await found.auth.setSession({ access_token: got.access_token, refresh_token: got.refresh_token }))
    must(user.id === before.id && user.email === 'once.nobody@example.com' && !user.is_anonymous, user)
  },
  'signInWithIdToken with a nonce, once': async () => {
    const { found } = client('implicit')
    const { user } = good(await found.auth.signInWithIdToken({ provider: 'google', token: native, nonce }))
    must(user.email === 'native@example.com', user)
    const again = await client('implicit').found.auth.signInWithIdToken({ provider: 'google', token: native, nonce })
    must(again.error?.status === 400, again)
    const wrong = await client('implicit').found.auth.signInWithIdToken({ provider: 'google', token: native, nonce: createHash('sha256').update('x').digest('hex') })
    must(wrong.error?.message === 'Nonces mismatch', wrong.error)
  },
  'a provider that is off': async () => {
    const { found, browser } = client('implicit')
    const { url: start } = good(await found.auth.signInWithOAuth({ provider: 'apple' }))
    const answer = await browser.open(start)
    const body = await answer.json()
    must(answer.status === 400 && body.msg === 'Unsupported provider: provider is not enabled', body)
    refused(await found.auth.signInWithIdToken({ provider: 'apple', token: native }), 'provider_disabled')
  },
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, detail: String(error.stack ?? error) }))
  }
}
