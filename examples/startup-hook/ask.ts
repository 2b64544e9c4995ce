import { type Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** The application answered, with a failure. */
export class AnswerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
  }
}

export interface Asked {
  /** @default 'GET' */
  readonly method?: string
  readonly path: string
  readonly body?: string
  readonly agent?: Agent
}

/** Sends a request to an instance and gives the body of its answer. @throws AnswerError */
export function ask(port: number, { method = 'GET', path, body, agent }: Asked): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, ...(agent === undefined ? {} : { agent }) }
    const sent = request(options, (response) => {
      const status = response.statusCode ?? 500
      text(response).then((answer) => {
        if (status < 300) resolve(JSON.parse(answer))
        else reject(new AnswerError(`${method} ${path}: ${status} ${answer}`, status))
      }, reject)
    })
    sent.on('error', reject).end(body)
  })
}
