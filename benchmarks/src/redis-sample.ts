import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** What a key holds: the arguments of the command that makes it. */
type Sample = (i: number) => readonly string[]

const text =
  'the caller asks whether a smaller flat near the river would be free in spring, naïve café größer 東京 and what the rent includes since the lease ends soon '.repeat(
    2,
  )

/** Messages of chats as JSON texts of 150 to 200 bytes. */
export const strings: Sample = (i) => {
  const from = (i * 7) % 120
  const at = new Date(1_735_689_600_000 + i * 1000).toISOString()
  const content = text.slice(from, from + 62 + (i % 45))
  const message = { id: i, thread: i % 5000, role: i % 3 === 0 ? 'assistant' : 'user', content, created_at: at }
  return ['SET', `checkpoint:thread-${i % 5000}:${i}`, JSON.stringify(message)]
}

/** Sessions of eight fields. */
export const hashes: Sample = (i) => {
  const from = (i * 7) % 120
  const at = new Date(1_735_689_600_000 + i * 1000).toISOString()
  return [
    'HSET',
    `checkpoint:session:${i}`,
    ...['id', String(i)],
    ...['user', `user-${i % 9000}`],
    ...['role', i % 3 === 0 ? 'assistant' : 'user'],
    ...['content', text.slice(from, from + 60 + (i % 50))],
    ...['model', `model-${i % 7}`],
    ...['tokens', String(i % 400)],
    ...['created_at', at],
    ...['state', `{"step":${i % 12},"done":${i % 2 === 0}}`],
  ]
}

/** Sends so many to a database, as quickly as `redis-cli --pipe` takes them. */
export async function sendSample(url: string, sample: Sample, count: number): Promise<void> {
  const child = spawn('redis-cli', ['-u', url, '--pipe'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = once(child, 'close')
  await writeSample(child.stdin, sample, count)
  const [code] = await ended
  if (code !== 0) throw new Error(`redis-cli --pipe ended with ${code}.`)
}

/** A file with the same commands, made once per size and kept for the next time. */
export async function sampleFile(file: string, sample: Sample, count: number): Promise<string> {
  if (existsSync(file)) return file
  await writeSample(createWriteStream(`${file}.unfinished`), sample, count)
  await rename(`${file}.unfinished`, file)
  return file
}

async function writeSample(to: Writable, sample: Sample, count: number): Promise<void> {
  let lines = ''
  for (let i = 1; i <= count; i++) {
    const parts = sample(i)
    lines += `*${parts.length}\r\n`
    for (const part of parts) lines += `$${Buffer.byteLength(part)}\r\n${part}\r\n`
    if (lines.length < 1 << 20 && i < count) continue
    if (!to.write(lines)) await once(to, 'drain')
    lines = ''
  }
  to.end()
  await finished(to)
}
