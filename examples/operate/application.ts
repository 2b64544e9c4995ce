import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { postgresStateStore } from '@drover/adapter-postgres'
import { operate } from '@drover/core'
import pg from 'pg'
import { type JobOptions, makeJobs } from './jobs.js'
import { Operations } from './operations.js'

export interface Application extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly url: string
}

/** An application that serves messages, and lets an operator work on their table meanwhile. */
export async function startApplication(options: JobOptions): Promise<Application> {
  const { connection } = options
  const pool = new pg.Pool({ connectionString: connection, max: 10 })
  const state = postgresStateStore({ connection })
  const operations = new Operations(operate(state), makeJobs(options))
  const server = createServer(async (request, response) => {
    const answer =
      (await operations.answer(request)) ?? (await messages(pool, request.method, request.url, () => text(request)))
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body, plain))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      await operations.drain()
      server.close()
      server.closeAllConnections()
      await pool.end()
      await state[Symbol.asyncDispose]()
    },
  }
}

/** What the application is there for. */
async function messages(
  pool: pg.Pool,
  method = 'GET',
  url = '',
  body: () => Promise<string>,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const [, what, id] = url.split('/')
  if (what !== 'messages' || !/^\d{1,15}$/.test(id ?? ''))
    return { status: 404, body: { error: 'there is no such thing' } }
  const { rows } =
    method === 'PUT'
      ? await pool.query('UPDATE messages SET content = $2, token_count = 1 WHERE id = $1 RETURNING *', [
          id,
          await body(),
        ])
      : await pool.query('SELECT * FROM messages WHERE id = $1', [id])
  return rows.length === 0
    ? { status: 404, body: { error: 'there is no such message' } }
    : { status: 200, body: rows[0] }
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
