import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An endpoint of embeddings that speaks as OpenAI's does: its vectors tell texts apart, and mean nothing. */
export interface EmbeddingEndpoint extends AsyncDisposable {
  /** For OPENAI_BASE_URL. */
  readonly url: string
  /** Texts that it was asked for so far. */
  readonly asked: () => number
}

export async function embeddingEndpoint(dimensions = 1536): Promise<EmbeddingEndpoint> {
  let asked = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly input: readonly string[] }
    asked += input.length
    const data = input.map((text, index) => ({ index, embedding: vectorOf(text, dimensions) }))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function vectorOf(text: string, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, i) => ((text.codePointAt(i % (text.length || 1)) ?? 1) % 17) / 17 + 0.1)
}
