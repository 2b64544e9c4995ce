import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type pg from 'pg'
import { countTokens } from './count-tokens.js'

export interface RoutesOptions {
  readonly pool: pg.Pool
  /** Release 1 knows nothing of `token_count`; release 2 writes it with every message. */
  readonly release: 1 | 2
  /** Rejects while messages without a count may be left. */
  readonly tokensAreThere: () => Promise<void>
}

interface Answer {
  readonly status: number
  readonly body: object
}

const gone: Answer = { status: 404, body: { error: 'there is no such thing' } }

/** What the application answers: messages are read, added and edited; the tokens of a call are there once all are counted. */
export function routes(options: RoutesOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    let answer: Answer
    try {
      answer = await answerTo(request, options)
    } catch (error) {
      answer = { status: 500, body: { error: String(error) } }
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  }
}

async function answerTo(request: IncomingMessage, options: RoutesOptions): Promise<Answer> {
  const [, what, id, part] = (request.url ?? '').split('/')
  const route = `${request.method} /${what}${id === undefined ? '' : '/:id'}${part === undefined ? '' : `/${part}`}`
  switch (route) {
    case 'GET /messages/:id':
      return read(options, Number(id))
    case 'PUT /messages/:id':
      return edit(options, Number(id), await text(request))
    case 'POST /messages':
      return add(options, await text(request))
    case 'GET /calls/:id/tokens':
      return tokensOfCall(options, Number(id))
    default:
      return gone
  }
}

async function read({ pool }: RoutesOptions, id: number): Promise<Answer> {
  const { rows } = await pool.query('SELECT id, call_id, content FROM messages WHERE id = $1', [id])
  return rows.length === 0 ? gone : { status: 200, body: rows[0] }
}

async function edit({ pool, release }: RoutesOptions, id: number, content: string): Promise<Answer> {
  const { rowCount } =
    release === 1
      ? await pool.query('UPDATE messages SET content = $2 WHERE id = $1', [id, content])
      : await pool.query('UPDATE messages SET content = $2, token_count = $3 WHERE id = $1', [
          id,
          content,
          countTokens(content),
        ])
  return rowCount === 0 ? gone : { status: 200, body: { id } }
}

async function add({ pool, release }: RoutesOptions, content: string): Promise<Answer> {
  const { rows } =
    release === 1
      ? await pool.query('INSERT INTO messages (call_id, content) VALUES (1, $1) RETURNING id', [content])
      : await pool.query('INSERT INTO messages (call_id, content, token_count) VALUES (1, $1, $2) RETURNING id', [
          content,
          countTokens(content),
        ])
  return { status: 201, body: rows[0] }
}

async function tokensOfCall({ pool, tokensAreThere }: RoutesOptions, id: number): Promise<Answer> {
  try {
    await tokensAreThere()
  } catch (error) {
    return { status: 503, body: { error: error instanceof Error ? error.message : String(error) } }
  }
  const { rows } = await pool.query('SELECT sum(token_count)::int AS tokens FROM messages WHERE call_id = $1', [id])
  return { status: 200, body: rows[0] }
}
