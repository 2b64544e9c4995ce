import { connect } from 'node:net'
import type { RedisOptions } from 'ioredis'

/** A server that turns somebody away does so at once. */
const patienceMs = 200
/** Errors are a line. */
const mostBytes = 1024

/**
 * What a server says to whoever connects before it is asked anything, and then closes: that it has no room (`maxclients`), or takes
 * nobody from outside. Who writes to it at once, as ioredis does, finds the connection closed and never reads it.
 *
 * @returns undefined if it says nothing of the kind.
 */
export async function unaskedAnswer({ host, port, family, path }: RedisOptions): Promise<Error | undefined> {
  const at = path ? { path } : { host: host ?? 'localhost', port: port ?? 6379, ...(family ? { family } : {}) }
  const socket = connect(at)
  let said = ''
  await new Promise<void>((resolve) => {
    socket.setTimeout(patienceMs, resolve)
    socket.on('data', (part: Buffer) => {
      said += part.toString('latin1')
      if (said.includes('\n') || said.length > mostBytes) resolve()
    })
    // The failure that is known already says as much.
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  socket.destroy()
  const [, message] = /^-([^\r\n]+)\r?\n/.exec(said) ?? []
  return message === undefined ? undefined : Object.assign(new Error(message), { name: 'ReplyError' })
}
