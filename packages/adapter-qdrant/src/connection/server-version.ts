import { DroverError } from '@drover/core'
import { answerError, strangerError } from '../errors/qdrant-error.js'
import type { HttpLink } from './http-link.js'
import type { ServerVersion } from './qdrant-connection.js'

/** Multi-vectors came with it. */
const oldest: ServerVersion = [1, 10, 0]

/** What a proxy may make of a path that it does not pass on, and a key without rights to the whole server. */
const withheld = new Set([401, 403, 404, 405])

/** Asks what answers at the root of a server. */
export async function askVersion(
  link: HttpLink,
  { name, prefix, signal }: { readonly name: string; readonly prefix: string; readonly signal: AbortSignal },
): Promise<ServerVersion | undefined> {
  const doing = `connecting to ${name}`
  const answer = await link.send({ method: 'GET', path: `${prefix}/`, body: null, signal }, doing)
  const text = answer.bytes.toString()
  if (withheld.has(answer.status)) return undefined
  if (answer.status !== 200) {
    const [retryAfter, location] = [answer.header('retry-after'), answer.header('location')]
    throw answerError({ status: answer.status, text, retryAfter, location }, { doing })
  }
  const version = versionIn(text)
  if (version === undefined) throw strangerError(text, { doing })
  if (isOlder(version, oldest)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${name} is Qdrant ${version.join('.')}: Drover needs ${oldest.join('.')} or newer. Update the server.`,
    )
  }
  return version
}

/** `{"title":"qdrant - vector search engine","version":"1.17.0"}` */
function versionIn(text: string): ServerVersion | undefined {
  try {
    const { title, version } = JSON.parse(text) as { readonly title?: unknown; readonly version?: unknown }
    if (typeof title !== 'string' || !/qdrant/i.test(title) || typeof version !== 'string') return undefined
    const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []
    return parts.length === 0 ? undefined : parts.map(Number)
  } catch {
    return undefined
  }
}

function isOlder(version: ServerVersion, than: ServerVersion): boolean {
  for (const [i, part] of than.entries()) {
    const difference = (version[i] ?? 0) - part
    if (difference !== 0) return difference < 0
  }
  return false
}
