// A real OpenID provider on loopback. People sign in with any address; one that starts with "unverified" is not vouched for.
// Environment: CONFIG = {clients, jwks, claimsInIdToken}. Prints {issuer} when it listens; ends when its input ends.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const { clients, jwks, claimsInIdToken } = JSON.parse(process.env.CONFIG)
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`
const provider = new Provider(issuer, {
  clients,
  jwks,
  conformIdTokenClaims: !claimsInIdToken,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
  cookies: { keys: ['one for tests'] },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => false },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: id.split('#')[0],
      email_verified: !id.startsWith('unverified'),
      name: id.split('@')[0],
      picture: `${issuer}/picture.png`,
    }),
  }),
})
server.on('request', provider.callback())
console.log(JSON.stringify({ issuer }))
process.stdin.on('end', () => process.exit(0)).resume()
