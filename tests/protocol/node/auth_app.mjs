// What apps do with supabase.auth, by the unmodified client. Each case prints {name, ok, detail} as one line.
import { createClient } from '@supabase/supabase-js'
import { readdirSync, readFileSync } from 'node:fs'
import { createHmac } from 'node:crypto'

const { URL: url, ANON: anon, SECRET: secret, MAIL: mailFolder } = process.env
const memory = () => {
  const kept = new Map()
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) }
}
const client = (flowType = 'implicit') =>
  createClient(url, anon, { auth: { storage: memory(), autoRefreshToken: false, detectSessionInUrl: false, flowType } })
const admin = createClient(url, secret, { auth: { persistSession: false, autoRefreshToken: false } })

const lastMail = (to) => {
  const mails = readdirSync(mailFolder).filter((name) => name.endsWith('.json')).sort().map((name) => JSON.parse(readFileSync(`${mailFolder}/${name}`)))
  const mail = mails.filter((item) => item.to === to).at(-1)
  const link = mail.html.match(/href="([^"]+)"/)?.[1].replaceAll('&amp;', '&')
  return { code: mail.html.match(/<strong>(\d+)<\/strong>/)?.[1], link, hash: link && new globalThis.URL(link).searchParams.get('token') }
}
// Links lead to the public address; here the server is asked itself.
const follow = async (link) => {
  const target = new globalThis.URL(link)
  const answer = await fetch(`${url}${target.pathname}${target.search}`, { redirect: 'manual' })
  return new globalThis.URL(answer.headers.get('location'))
}
const totp = (key) => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let bits = ''
  for (const letter of key) bits += letters.indexOf(letter).toString(2).padStart(5, '0')
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)))
  const digest = createHmac('sha1', bytes).update(counter).digest()
  const offset = digest[19] & 15
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1e6).padStart(6, '0')
}
const must = (condition, detail) => {
  if (!condition) throw new Error(typeof detail === 'string' ? detail : JSON.stringify(detail))
}
const good = ({ data, error }) => {
  must(!error, error && `${error.name} ${error.status} ${error.code} ${error.message}`)
  return data
}
const refused = ({ error }, code) => must(error?.code === code, error ?? `expected ${code}`)

const password = 'correct horse'
let count = 0
const address = () => `person${++count}@example.com`
const signedUp = async (flowType) => {
  const found = client(flowType)
  const email = address()
  const { user } = good(await found.auth.signUp({ email, password, options: { data: { name: 'Ann' } } }))
  return { found, email, user }
}

const cases = {
  'sign up, sign out, sign in, wrong password': async () => {
    const { found, email, user } = await signedUp()
    must(user.user_metadata.name === 'Ann', user)
    good(await found.auth.signOut())
    must(good(await found.auth.getSession()).session === null, 'a session is left')
    refused(await found.auth.signInWithPassword({ email, password: 'wrong' }), 'invalid_credentials')
    must(good(await found.auth.signInWithPassword({ email, password })).user.id === user.id, 'another user')
  },
  'getUser and getClaims with the public keys': async () => {
    const { found, user } = await signedUp()
    must(good(await found.auth.getUser()).user.id === user.id, 'another user')
    const { claims, header } = good(await found.auth.getClaims())
    must(claims.sub === user.id && header.alg === 'ES256', claims)
  },
  'refreshSession and setSession': async () => {
    const { found, user } = await signedUp()
    const before = good(await found.auth.getSession()).session
    const after = good(await found.auth.refreshSession()).session
    must(after.refresh_token !== before.refresh_token, 'the token was not swapped')
    const other = client()
    must(good(await other.auth.setSession(after)).user.id === user.id, 'another user')
  },
  'a signed-out session is missing': async () => {
    const { found } = await signedUp()
    const { session } = good(await found.auth.getSession())
    const other = client()
    good(await other.auth.setSession(session))
    good(await found.auth.signOut({ scope: 'global' }))
    const { error } = await other.auth.getUser()
    must(error?.name === 'AuthSessionMissingError', error)
  },
  'updateUser with data, password and address': async () => {
    const { found, email } = await signedUp()
    must(good(await found.auth.updateUser({ data: { plan: 'pro' } })).user.user_metadata.plan === 'pro', 'data')
    good(await found.auth.updateUser({ password: 'another horse' }))
    good(await client().auth.signInWithPassword({ email, password: 'another horse' }))
    const next = address()
    must(good(await found.auth.updateUser({ email: next })).user.new_email === next, 'new_email')
    good(await found.auth.verifyOtp({ type: 'email_change', email: next, token: lastMail(next).code }))
    must(good(await found.auth.getUser()).user.email === next, 'the address did not change')
  },
  'a forgotten password, by link': async () => {
    const { email } = await signedUp()
    good(await client().auth.resetPasswordForEmail(email, { redirectTo: 'https://app.example.com/reset' }))
    const target = await follow(lastMail(email).link)
    must(target.origin + target.pathname === 'https://app.example.com/reset', target.href)
    const values = new URLSearchParams(target.hash.slice(1))
    must(values.get('type') === 'recovery', target.href)
    const found = client()
    good(await found.auth.setSession({ access_token: values.get('access_token'), refresh_token: values.get('refresh_token') }))
    good(await found.auth.updateUser({ password: 'a third horse' }))
  },
  'a forgotten password, by PKCE': async () => {
    const { found, email } = await signedUp('pkce')
    good(await found.auth.resetPasswordForEmail(email))
    const code = (await follow(lastMail(email).link)).searchParams.get('code')
    must(good(await found.auth.exchangeCodeForSession(code)).user.email === email, 'another user')
  },
  'a code by mail, and once only': async () => {
    const found = client()
    const email = address()
    good(await found.auth.signInWithOtp({ email }))
    const { code } = lastMail(email)
    good(await found.auth.verifyOtp({ email, token: code, type: 'email' }))
    refused(await client().auth.verifyOtp({ email, token: code, type: 'email' }), 'otp_expired')
  },
  'a link by mail, by its token_hash': async () => {
    const { email } = await signedUp()
    const found = client()
    good(await found.auth.signInWithOtp({ email }))
    must(good(await found.auth.verifyOtp({ token_hash: lastMail(email).hash, type: 'email' })).user.email === email, 'user')
  },
  'otp without a new user, resend, taken address': async () => {
    refused(await client().auth.signInWithOtp({ email: address(), options: { shouldCreateUser: false } }), 'otp_disabled')
    good(await client().auth.resend({ type: 'signup', email: address() }))
    const { email } = await signedUp()
    refused(await client().auth.signUp({ email, password }), 'user_already_exists')
    const { error } = await client().auth.signUp({ email: address(), password: 'x' })
    must(error?.name === 'AuthWeakPasswordError' && error.reasons[0] === 'length', error)
  },
  'a second factor': async () => {
    const { found } = await signedUp()
    const factor = good(await found.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
    must(factor.totp.qr_code.startsWith('data:image/svg+xml;utf-8,<svg'), factor.totp.qr_code.slice(0, 60))
    good(await found.auth.mfa.challengeAndVerify({ factorId: factor.id, code: totp(factor.totp.secret) }))
    must(good(await found.auth.mfa.getAuthenticatorAssuranceLevel()).currentLevel === 'aal2', 'not aal2')
    must(good(await found.auth.mfa.listFactors()).totp.length === 1, 'no factor')
    good(await found.auth.mfa.unenroll({ factorId: factor.id }))
  },
  'anonymous': async () => {
    const found = client()
    must(good(await found.auth.signInAnonymously()).user.is_anonymous, 'not anonymous')
  },
  'identities': async () => {
    const { found } = await signedUp()
    const { identities } = good(await found.auth.getUserIdentities())
    refused(await found.auth.unlinkIdentity(identities[0]), 'single_identity_not_deletable')
  },
  'admin: users': async () => {
    const email = address()
    const { user } = good(await admin.auth.admin.createUser({ email, password, email_confirm: true }))
    must(good(await admin.auth.admin.getUserById(user.id)).user.email === email, 'another user')
    const listed = good(await admin.auth.admin.listUsers({ page: 1, perPage: 2 }))
    must(listed.users.length === 2 && listed.total > 2 && listed.nextPage === 2, listed)
    good(await admin.auth.admin.updateUserById(user.id, { user_metadata: { a: 1 }, ban_duration: '1h' }))
    refused(await client().auth.signInWithPassword({ email, password }), 'user_banned')
    good(await admin.auth.admin.deleteUser(user.id))
    refused(await admin.auth.admin.getUserById(user.id), 'user_not_found')
    refused(await client().auth.admin.listUsers(), 'not_admin')
  },
  'admin: links and invitations': async () => {
    const email = address()
    const { properties } = good(await admin.auth.admin.generateLink({ type: 'magiclink', email }))
    must(good(await client().auth.verifyOtp({ email, token: properties.email_otp, type: properties.verification_type })).user.email === email, 'code')
    const invited = address()
    good(await admin.auth.admin.inviteUserByEmail(invited, { data: { team: 1 } }))
    must(good(await client().auth.verifyOtp({ token_hash: lastMail(invited).hash, type: 'invite' })).user.user_metadata.team === 1, 'invite')
  },
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, detail: String(error?.stack ?? error) }))
  }
}
