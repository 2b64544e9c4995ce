import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'

/** Sends chunks into a COPY … FROM STDIN. */
export async function copyIn(client: pg.Client, sql: string, chunks: Iterable<Uint8Array>): Promise<void> {
  // A string or Uint8Array would be taken for a single chunk of objects; Buffers are what the stream expects.
  const buffers = Array.from(chunks, (chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  await pipeline(Readable.from(buffers), client.query(from(sql)))
}

/** All that a COPY … TO STDOUT sends. */
export async function copyOut(client: pg.Client, sql: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of client.query(to(sql))) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query("SET timezone = 'Asia/Kolkata'; SET intervalstyle = 'postgres_verbose'; SET datestyle = 'German'")
  return client
}
