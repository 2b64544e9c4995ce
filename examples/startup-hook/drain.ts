import { once } from 'node:events'
import type { Server } from 'node:http'

const underWay = new WeakMap<Server, number>()

/** Counts the requests that are being answered, for {@link drain}. */
export function watchRequests(server: Server): void {
  const add = (some: number): number => {
    const count = (underWay.get(server) ?? 0) + some
    underWay.set(server, count)
    return count
  }
  server.on('request', (_, response) => {
    add(1)
    response.on('close', () => {
      if (add(-1) === 0 && !server.listening) server.closeAllConnections()
    })
  })
}

/** Takes no new request and answers those that are there. `close()` alone would wait for connections that were never used. */
export async function drain(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  if ((underWay.get(server) ?? 0) === 0) server.closeAllConnections()
  await closed
}
