// Every call that the installed @base44/sdk offers, found by looking at a client of it, and those that were made.
import { readFile } from 'node:fs/promises'
import * as offered from '@base44/sdk'

const GENERATED = ['entities', 'integrations', 'actors'] // their names come from the app: proxies without keys
const ANY = '*'
const made = new Set()
const isCall = (value) => typeof value === 'function'
const isClass = (value) => isCall(value) && /^class\b/.test(String(value))

/** The same client; each call that is made through it is noted by its path. */
export const watched = (value, path = '') =>
  new Proxy(value, {
    get(target, key) {
      const found = target[key]
      if (typeof key !== 'string' || (typeof found !== 'object' && !isCall(found)) || found === null) return found
      const inner = named(path, key)
      if (!isCall(found)) return watched(found, inner)
      return (...given) => {
        made.add(inner)
        return found.apply(target, given)
      }
    },
  })

const named = (path, key) => {
  const generated = path.replace(/^asServiceRole\./, '')
  const isAny = generated === 'entities' || generated === 'actors' || (generated === 'integrations' && !['Core', 'custom'].includes(key))
  return [...(path ? [path] : []), isAny || /integrations\.\*$/.test(generated) ? ANY : key].join('.')
}

/** Every path that `client` offers; what its declarations name stands for what the app's names would make. */
export const surface = async (client) => {
  const core = (await declared('integrations', 'CoreIntegrations')).map((name) => `Core.${name}`)
  const generated = { entities: keys(client.entities.Any).map((name) => `${ANY}.${name}`), actors: [ANY] }
  generated.integrations = [...core, ...keys(client.integrations.custom).map((name) => `custom.${name}`), `${ANY}.${ANY}`]
  const all = [...of(client, '', generated), ...of(client.asServiceRole, 'asServiceRole.', generated)]
  return [...all, ...Object.keys(offered).filter((name) => isCall(offered[name]) && !isClass(offered[name]))]
}

const keys = (value) => Object.keys(value).filter((name) => isCall(value[name]))

const of = (modules, prefix, generated) =>
  Object.keys(modules).flatMap((name) => {
    if (name === 'asServiceRole') return []
    if (isCall(modules[name])) return [prefix + name]
    const found = GENERATED.includes(name) ? generated[name] : keys(modules[name])
    if (!found.length) throw new Error(`${prefix}${name} offers nothing that can be found: look at it`)
    return found.map((call) => `${prefix}${name}.${call}`)
  })

const declared = async (module, type) => {
  const text = await readFile(new URL(`dist/modules/${module}.types.d.ts`, new URL('..', import.meta.resolve('@base44/sdk'))), 'utf8')
  const body = text.slice(text.indexOf(`interface ${type} {`))
  return [...body.slice(0, body.indexOf('\n}')).matchAll(/^ {4}(\w+)\(/gm)].map((match) => match[1])
}

/** What the package offers without a client. */
export const sdk = watched({ ...offered })

/** What was offered and never called. */
export const unseen = async (client) => (await surface(client)).filter((path) => !made.has(path))
