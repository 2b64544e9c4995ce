import { connect } from 'node:net'

/** What is needed to cancel the statement that a connection runs. */
export interface Cancellable {
  readonly host: string
  readonly port: number
  readonly processID: number | null
  readonly secretKey: number | null
}

/**
 * Asks the server to cancel what the connection is running. Unlike `pg_cancel_backend` that needs no free connection slot, and a
 * pooler passes it on: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 * The answer is that the statement fails; if the request is lost, nothing says so.
 */
export function requestCancel({ host, port, processID, secretKey }: Cancellable): void {
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80877102, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  // Whoever asked closes the connection if the statement does not end.
  socket.on('error', () => socket.destroy())
  socket.once('connect', () => socket.end(message))
  socket.unref()
}
