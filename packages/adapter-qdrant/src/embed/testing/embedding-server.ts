import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface EmbeddingRequest {
  readonly model: string
  readonly input: readonly string[]
  readonly dimensions?: number
  readonly authorization: string | undefined
}

export interface EmbeddingServer extends AsyncDisposable {
  readonly baseUrl: string
  readonly requests: readonly EmbeddingRequest[]
}

type Answering = (request: EmbeddingRequest, response: ServerResponse, nth: number) => void

/** The vector of a text, which says which text it is of. */
export function vectorOf(text: string, dimensions = 4): number[] {
  return Array.from({ length: dimensions }, (_, i) => text.length + i / 8)
}

/** As OpenAI answers, in the order of the texts turned round: `index` says which is which. */
export function answerWell({ input, dimensions }: EmbeddingRequest, response: ServerResponse): void {
  const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text, dimensions) }))
  answer(response, 200, { object: 'list', data: data.reverse(), model: 'm', usage: {} })
}

export function answer(
  response: ServerResponse,
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** A service that speaks as OpenAI's does, or does not. */
export async function embeddingServer(answering: Answering = answerWell): Promise<EmbeddingServer> {
  const requests: EmbeddingRequest[] = []
  const server = createServer((message, response) => {
    void bodyOf(message).then((body) => {
      const request = { ...(JSON.parse(body) as EmbeddingRequest), authorization: message.headers.authorization }
      requests.push(request)
      if (message.url !== '/v1/embeddings') answer(response, 404, { error: { message: 'Not found' } })
      else answering(request, response, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
