import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import type { ExactSink, Sink } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { ndjsonSink } from '../files/ndjson-sink.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import type { DeadLetter, DeadLetterStore } from './dead-letter.js'
import { deadLetterSchema, deadLetterSink } from './dead-letter-sink.js'

const claimOf = (partition: string, fence = 1) => ({ run: 'r1', partition: { id: partition, bounds: null }, fence })

const letter = (id: string): DeadLetter => ({
  id,
  pipeline: 'copy',
  run: 'r1',
  partition: 'a',
  key: [1],
  record: { id: 1 },
  stage: 'write',
  error: { code: 'RECORD_REFUSED', message: 'no' },
})

/** The sink, with what happens to its sessions. */
function watched(sink: ExactSink<Row>, onWrite: (write: () => Promise<void>) => Promise<void> = (write) => write()) {
  const events: string[] = []
  const watching: Sink<Row> = {
    ...sink,
    connect: async (operation) => {
      events.push('connect')
      const session = await sink.connect(operation)
      return {
        claim: (claim, by) => session.claim(claim, by),
        write: (...given: Parameters<typeof session.write>) => onWrite(() => session.write(...given)),
        check: () => [],
        prepare: async (schema) => void events.push(schema === deadLetterSchema ? 'prepare' : 'wrong schema'),
        finish: async (outcome) => void events.push(outcome),
        [Symbol.asyncDispose]: async () => void events.push('close'),
      }
    },
  }
  return { watching, events }
}

test('writes a row per letter, with all fields that it describes', async () => {
  const sink = memorySink()
  const writer = await deadLetterSink(sink).open(claimOf('a'))
  await writer.append([letter('1'), { ...letter('2'), row: { x: 1 }, version: 'v1' }])
  await writer.append([])
  await writer.append([letter('3')])
  await writer.close()
  expect(sink.store.rows.map((row) => row.id)).toEqual(['1', '2', '3'])
  expect(sink.store.rows[1]).toEqual({
    id: '2',
    pipeline: 'copy',
    run: 'r1',
    partition: 'a',
    key: [1],
    stage: 'write',
    code: 'RECORD_REFUSED',
    message: 'no',
    version: 'v1',
    record: { id: 1 },
    row: { x: 1 },
    raw: null,
  })
  for (const row of sink.store.rows)
    expect(Object.keys(row).sort()).toEqual(deadLetterSchema.fields.map(({ name }) => name).sort())
})

test('goes on in the next attempt, and the fence keeps a zombie out', async () => {
  const sink = memorySink()
  const letters = deadLetterSink(sink)
  const zombie = await letters.open(claimOf('a', 1))
  await zombie.append([letter('1')])
  const writer = await deadLetterSink(sink).open(claimOf('a', 2))
  await writer.append([letter('2')])
  await expect(zombie.append([letter('3')])).rejects.toMatchObject({ code: 'FENCED' })
  await writer.append([letter('4')])
  expect(sink.store.rows.map((row) => row.id)).toEqual(['1', '2', '4'])
})

test('an idempotent sink keeps one of a letter that is sent again', async () => {
  const sink = memoryAckSink()
  const writer = await deadLetterSink(sink).open(claimOf('a'))
  await writer.append([letter('1'), letter('2')])
  await writer.append([letter('2')])
  expect(sink.store.rows.map((row) => row.id)).toEqual(['1', '2'])
})

test('all partitions share a session, which ends with the last of them', async () => {
  const { watching, events } = watched(memorySink())
  const letters = deadLetterSink(watching)
  const [a, b] = await Promise.all([letters.open(claimOf('a')), letters.open(claimOf('b'))])
  await Promise.all([a.append([letter('1')]), b.append([letter('2')])])
  await a.close()
  await a.close()
  expect(events).toEqual(['connect', 'prepare'])
  await b.close()
  expect(events).toEqual(['connect', 'prepare', 'close'])
})

test('a letter whose writing failed for the moment is written once', async () => {
  const sink = memorySink()
  let calls = 0
  const { watching } = watched(sink, async (write) => {
    calls++
    if (calls !== 2) await write()
    if (calls < 3) throw new DroverError('STORE_BUSY', 'busy', { isRetryable: true })
  })
  const writer = await deadLetterSink(watching).open(claimOf('a'))
  await writer.append([letter('1')])
  await writer.append([letter('2')])
  expect(sink.store.rows.map((row) => row.id)).toEqual(['1', '2'])
  expect(calls).toBe(3)
})

test('connecting, preparing and claiming that failed for the moment are tried again, and told', async () => {
  const failed = new Set<string>()
  const once = (what: string): void => {
    if (failed.has(what)) return
    failed.add(what)
    throw new DroverError('STORE_BUSY', what, { isRetryable: true })
  }
  const inner = memorySink()
  const { watching, events } = watched(inner)
  const stumbling = {
    ...watching,
    connect: async (operation) => {
      once('connect')
      const session = await (watching as ExactSink<Row>).connect(operation)
      return {
        ...session,
        claim: async (claim, by) => {
          once(`claim ${claim.partition.id}`)
          return session.claim(claim, by)
        },
        prepare: async (schema, by) => {
          once('prepare')
          await session.prepare?.(schema, by)
        },
      }
    },
  } as ExactSink<Row>
  const told: string[] = []
  const patience = {
    maxRetries: 4,
    signal: new AbortController().signal,
    onRetry: ({ error }: { error: unknown }) => void told.push((error as Error).message),
    wait: async () => {},
  }
  const letters = deadLetterSink(stumbling)
  const writers = await Promise.all(['a', 'b'].map((partition) => letters.open(claimOf(partition), patience)))
  for (const [i, writer] of writers.entries()) await writer.append([letter(`${i}`)])
  for (const writer of writers) await writer.close()
  expect(inner.store.rows.map((row) => row.id)).toEqual(['0', '1'])
  expect(new Set(told)).toEqual(new Set(['connect', 'prepare', 'claim a', 'claim b']))
  expect(events.filter((event) => event === 'connect')).toHaveLength(events.filter((event) => event === 'close').length)
})

test('an error that is not transient, or comes too often, is given on', async () => {
  let calls = 0
  const inner = memorySink()
  const unreachable = (isRetryable: boolean): Sink<Row> => ({
    ...inner,
    connect: async () => {
      calls++
      throw new DroverError('STORE_UNAVAILABLE', 'gone', { isRetryable })
    },
  })
  const patience = { maxRetries: 2, signal: new AbortController().signal, wait: async () => {} }
  for (const [isRetryable, expected] of [
    [false, 1],
    [true, 3],
  ] as const) {
    calls = 0
    const opening = deadLetterSink(unreachable(isRetryable)).open(claimOf('a'), patience)
    await expect(opening).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(calls).toBe(expected)
  }
})

test('refuses a sink that cannot hold letters, and leaves nothing open', async () => {
  const { watching, events } = watched(memorySink())
  const lossy: Sink<Row> = {
    ...watching,
    connect: async (operation) => ({
      ...(await (watching as ExactSink<Row>).connect(operation)),
      check: () => [{ field: 'raw', loses: 'bytes' }],
    }),
  } as ExactSink<Row>
  await expect(deadLetterSink(lossy).open(claimOf('a'))).rejects.toMatchObject({ code: 'FIDELITY_LOSS' })
  expect(events).toEqual(['connect', 'close'])
})

test('a file is in place once the run has completed, with the letters of all attempts and of earlier runs', async () => {
  const folder = await mkdtemp(`${tmpdir()}/drover-letters-`)
  const output = `${folder}/letters.ndjson`
  const ids = async (): Promise<string[]> => {
    const lines = (await readFile(output, 'utf8')).trimEnd().split('\n')
    return lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()
  }
  try {
    for (const run of ['r1', 'r2']) {
      const letters = (): DeadLetterStore => deadLetterSink(ndjsonSink({ path: output }))
      const claims = ['a', 'b'].map((partition) => ({ ...claimOf(partition), run }))
      for (const claim of claims) {
        const writer = await letters().open(claim)
        await writer.append([letter(`${run} ${claim.partition.id}`)])
        await writer.close()
      }
      // The last attempt rejects nothing.
      await letters().finish?.(claims.map((claim) => ({ ...claim, fence: 2 })))
      expect(await ids()).toEqual(run === 'r1' ? ['r1 a', 'r1 b'] : ['r1 a', 'r1 b', 'r2 a', 'r2 b'])
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
