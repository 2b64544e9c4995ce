import { createHash } from 'node:crypto'
import { resolve } from 'node:path'

/** What a run is of. How it works, such as in which batches, belongs to no identity. */
interface Identity {
  readonly source: object
  readonly sink: object
  readonly transform: readonly object[]
}

/**
 * The name of a run that was given none: made of where it reads and writes, of its filters and of its transformers, so that the same configuration goes on
 * where it stands, and others run beside it.
 */
export function runName(identity: Identity): string {
  const digest = createHash('sha256').update(JSON.stringify(identity, withoutSecrets)).digest('hex')
  return `checkpoints-${digest.slice(0, 12)}`
}

/** A password that was changed is no other run, nor is one that waits longer for its vectors. The order in which names stand says nothing either. */
function withoutSecrets(name: string, value: unknown): unknown {
  if (name === 'apiKey' || name === 'keys' || name === 'embedding') return undefined
  if (typeof value === 'string') return paths.has(name) ? absolute(value) : withoutPassword(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The same words mean another file in another folder. */
const paths = new Set(['filename', 'path', 'outputDir', 'outputPath'])

function absolute(path: string): string {
  if (path === ':memory:' || path.startsWith('file:')) return path
  return resolve(path.replace(/^sqlite:\/{3}/, ''))
}

function withoutPassword(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@/i, '$1@')
    .replace(/([?&\s]|^)(password|sslpassword)=[^&\s]*/gi, '$1')
}
