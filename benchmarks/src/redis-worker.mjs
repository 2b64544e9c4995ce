// One contender of the Redis contests per process, as worker.mjs: what one of them loads burdens no other.

import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)

const match = 'checkpoint:*'
const pageOfScan = 1000

const tasks = {
  async ndjson({ url, file, types, ...limits }) {
    const { redisSource } = await import('@drover/adapter-redis')
    const { ndjsonSink, runPipeline } = await import('@drover/core')
    const source = redisSource({ connection: url, ...(types && { types }) })
    await runPipeline({ name: 'bench', source, sink: ndjsonSink({ path: file }), ...limits })
  },

  /** Pages are pulled, and nothing is decoded. */
  async nothing({ url, rows }) {
    const { redisSource } = await import('@drover/adapter-redis')
    const { memoryStateStore, runPipeline } = await import('@drover/core')
    let read = 0
    const counter = {
      specVersion: 1,
      name: 'counter',
      guarantee: 'idempotent',
      connect: async () => ({
        async write(batch) {
          let inserted = 0
          for await (const page of batch) inserted += page.count
          read += inserted
          return { inserted, updated: 0, skipped: 0 }
        },
        async [Symbol.asyncDispose]() {},
      }),
    }
    const source = redisSource({ connection: url, types: 'string' })
    await runPipeline({ name: 'bench', source, sink: counter, state: memoryStateStore() })
    expectRows(read, rows)
  },

  async parquet({ url, commands, file }) {
    const { runPipeline } = await import('@drover/core')
    const { parquetSink } = await import('@drover/export-parquet')
    const source = await keysOf({ url, commands })
    await runPipeline({ name: 'bench', source, sink: parquetSink({ outputPath: file }) })
  },

  async postgres({ url, commands, to }) {
    const { postgresSink } = await import('@drover/adapter-postgres')
    const { runPipeline } = await import('@drover/core')
    const source = await keysOf({ url, commands })
    await runPipeline({ name: 'bench', source, sink: postgresSink({ connection: to, table: 'keys' }) })
  },

  async redis({ url, commands, to, ...limits }) {
    const { redisSink } = await import('@drover/adapter-redis')
    const { runPipeline } = await import('@drover/core')
    const source = await keysOf({ url, commands })
    await runPipeline({ name: 'bench', source, sink: redisSink({ connection: to }), ...limits })
  },

  /** What is quickest by hand: the next keys are asked for while the values of these come, and values are copied as bytes. */
  async 'scan-mget'({ url, file, isCopied }) {
    const line = isCopied ? copiedLine : encodedLine
    await scanned(url, file, async (redis, keys) => {
      const values = await redis.mgetBuffer(keys)
      return keys.flatMap((key, i) => (values[i] === null ? [] : [line(key, values[i])]))
    })
  },

  async 'scan-hgetall'({ url, file }) {
    await scanned(url, file, async (redis, keys) => {
      const pipeline = redis.pipeline()
      for (const key of keys) pipeline.hgetall(key)
      const replies = await pipeline.exec()
      return keys.map((key, i) => {
        const [error, value] = replies[i]
        if (error) throw error
        return `${JSON.stringify({ key: key.toString(), type: 'hash', value, expires_at: null })}\n`
      })
    })
  },

  /** What people write who know pipelines: a thousand SETs at once, the next ones made while these are under way. */
  async 'set-pipeline'({ commands, to }) {
    const { Redis } = await import('ioredis')
    const redis = new Redis(to)
    const session = await commandsSource(commands).connect()
    let ahead = Promise.resolve()
    for await (const page of session.read({ page: { records: 1000 } })) {
      const pipeline = redis.pipeline()
      for (const { key, value } of page.rows()) pipeline.set(key, value)
      await ahead
      ahead = pipeline.exec()
    }
    await ahead
    redis.disconnect()
  },

  /** What people write: a GET for each key, awaited in turn. */
  async naive({ url, file }) {
    const { Redis } = await import('ioredis')
    const redis = new Redis(url)
    const out = createWriteStream(file)
    for await (const keys of redis.scanStream({ match })) {
      for (const key of keys) {
        const value = await redis.get(key)
        if (!out.write(`${JSON.stringify({ key, value })}\n`)) await once(out, 'drain')
      }
    }
    redis.disconnect()
    out.end()
    await finished(out)
  },
}

/** Keys by SCAN, lines of them by `linesOf`; a key that is given twice is written twice. */
async function scanned(url, file, linesOf) {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url)
  const out = createWriteStream(file, { highWaterMark: 1 << 20 })
  const pageAt = async (cursor) => {
    const [next, keys] = await redis.scanBuffer(cursor, 'MATCH', match, 'COUNT', pageOfScan)
    return { next: next.toString(), lines: keys.length === 0 ? [] : linesOf(redis, keys) }
  }
  for (let ahead = pageAt('0'); ahead !== undefined; ) {
    const { next, lines } = await ahead
    ahead = next === '0' ? undefined : pageAt(next)
    const made = await lines
    const chunk = typeof made[0] === 'string' ? made.join('') : Buffer.concat(made.flat())
    if (!out.write(chunk)) await once(out, 'drain')
  }
  redis.disconnect()
  out.end()
  await finished(out)
}

/** As ours writes it: the value is a text. */
function encodedLine(key, value) {
  return `{"key":${JSON.stringify(key.toString())},"type":"string","value":${JSON.stringify(value.toString())},"expires_at":null}\n`
}

const [before, between, after] = ['{"key":"', '","value":', '}\n'].map((piece) => Buffer.from(piece))

/** For one who knows that all keys are plain and all values JSON. */
function copiedLine(key, value) {
  return [before, key, between, value, after]
}

/** Records of a server, or of a file of commands, which costs next to nothing. */
async function keysOf({ url, commands }) {
  if (commands !== undefined) return commandsSource(commands)
  const { redisSource } = await import('@drover/adapter-redis')
  return redisSource({ connection: url, types: 'string' })
}

/** The SETs of a file as the records that `redisSource` would give of them. */
function commandsSource(file) {
  const fields = [
    { name: 'key', type: { kind: 'text' }, nullable: false },
    { name: 'type', type: { kind: 'text' }, nullable: false },
    { name: 'value', type: { kind: 'text' }, nullable: false },
    { name: 'expires_at', type: { kind: 'timestamp', zone: true, digits: 3 }, nullable: true },
  ]
  return {
    specVersion: 1,
    name: 'commands',
    connect: async () => ({
      describe: async () => ({ fields, key: ['key'] }),
      async *read({ page }) {
        let count = 0
        let kept = Buffer.alloc(0)
        for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
          const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
          let places = []
          let at = 0
          for (;;) {
            const next = commandAt(bytes, at, places)
            if (next < 0) break
            at = next
            if (places.length < page.records * 4) continue
            count += page.records
            yield new CommandsPage(bytes, places, count)
            places = []
          }
          if (places.length > 0) {
            count += places.length / 4
            yield new CommandsPage(bytes, places, count)
          }
          kept = bytes.subarray(at)
        }
      },
      async [Symbol.asyncDispose]() {},
    }),
  }
}

/** Where key and value of the SET at `at` begin and end; gives where the next one begins, -1 if this one is cut off. */
function commandAt(bytes, at, places) {
  let here = at
  const found = []
  for (let part = -1; part < 3; part++) {
    let size = 0
    let i = here + 1
    for (; i < bytes.length && bytes[i] !== 13; i++) size = size * 10 + bytes[i] - 48
    here = i + 2
    if (part < 0) continue
    if (here + size + 2 > bytes.length) return -1
    if (part > 0) found.push(here, here + size)
    here += size + 2
  }
  places.push(...found)
  return here
}

class CommandsPage {
  #rows
  constructor(bytes, places, cursor) {
    this.from = bytes
    this.places = places
    this.cursor = cursor
    this.count = places.length / 4
    this.bytes = (places.at(-1) ?? 0) - (places[0] ?? 0)
  }

  rows() {
    this.#rows ??= Array.from({ length: this.count }, (_, i) => ({
      key: this.from.utf8Slice(this.places[i * 4], this.places[i * 4 + 1]),
      type: 'string',
      value: this.from.utf8Slice(this.places[i * 4 + 2], this.places[i * 4 + 3]),
      expires_at: null,
    }))
    return this.#rows
  }

  keys() {
    return this.rows().map(({ key }) => ({ source: [key], child: 0 }))
  }

  slice(from, to) {
    return new CommandsPage(this.from, this.places.slice(from * 4, to * 4), this.cursor)
  }

  pour({ fields, into, records }) {
    const columns = fields.map((name) => ['key', 'type', 'value', 'expires_at'].indexOf(name))
    const count = records?.length ?? this.count
    for (let n = 0; n < count; n++) {
      const at = (records?.[n] ?? n) * 4
      for (let i = 0; i < columns.length; i++) {
        if (columns[i] === 0) into[i].bytes(this.from, this.places[at], this.places[at + 1])
        else if (columns[i] === 1) into[i].bytes(stringType, 0, stringType.length)
        else if (columns[i] === 2) into[i].bytes(this.from, this.places[at + 2], this.places[at + 3])
        else into[i].null()
      }
    }
  }
}

const stringType = Buffer.from('string')

function expectRows(read, rows) {
  if (read !== rows) throw new Error(`${read} keys were read instead of ${rows}.`)
}

await tasks[task](options)
