import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import {
  type ExactSink,
  from,
  memoryStateStore,
  runPipeline,
  type Source,
  type Verification,
  verify,
} from '@drover/core'
import { describe, expect, test } from 'vitest'
import { checkpointSource } from '../checkpoint-source.js'
import { addMigrationMetadata } from '../filters/record-transformers.js'
import { fixture } from '../layouts/langchain/testing/histories.js'
import { runSqlite } from '../layouts/langchain/testing/run-sqlite.js'
import { copyStore } from '../layouts/sql/testing/fixtures.js'
import { checkpointJsonSink } from './checkpoint-json-sink.js'
import { checkpointParquetSink } from './checkpoint-parquet-sink.js'
import { tempFolder } from './testing/records.js'

type Records = Source<{ readonly checkpoint_id: string; readonly metadata: unknown }>

const sinks: Readonly<Record<string, (folder: string) => ExactSink<never>>> = {
  'one JSON file': (folder) => checkpointJsonSink({ outputDir: folder, singleFile: true }),
  'compressed JSON files': (folder) => checkpointJsonSink({ outputDir: folder, gzip: true, indent: 0 }),
  'a Parquet file': (folder) => checkpointParquetSink({ path: `${folder}/all.parquet` }),
  'a data set by thread': (folder) => checkpointParquetSink({ path: `${folder}/set`, partitionBy: ['thread_id'] }),
}

async function checkpointsIn(filename: string, ...statements: readonly string[]): Promise<Records> {
  await copyStore('sqlite', filename)
  await runSqlite(filename, ...statements)
  return checkpointSource({
    place: { type: 'sqlite', filename },
    layout: 'langgraph-sqlite',
  }) as Source<object> as Records
}

/** Exports with a step, changes something, and compares as `drover verify` does. */
async function verified(
  source: Source<object>,
  sink: ExactSink<never>,
  change: () => void | Promise<void> = () => {},
): Promise<Verification> {
  const flow = from(source as Source<never>).pipe(addMigrationMetadata() as never)
  const { startedAt } = await runPipeline({
    name: 'export',
    source: flow,
    sink,
    state: memoryStateStore(),
    deadLetters: `${tempFolder()}/dead`,
    maxRejected: 1,
    batchSize: 7,
  } as never)
  await change()
  await using session = await sink.connect({ signal: new AbortController().signal })
  const { readBack, readsBackAs } = session
  if (readBack === undefined || readsBackAs === undefined) throw new Error('It cannot be read back.')
  const actual = readBack()
  return await verify({ expected: flow, actual, readsBackAs, key: 'id', runStartedAt: startedAt })
}

describe.each(Object.entries(sinks))('%s', (_, sinkIn) => {
  test('holds what the store held', async () => {
    const folder = tempFolder()
    const found = await verified(await checkpointsIn(`${folder}/agents.db`), sinkIn(`${folder}/out`))
    expect(found).toMatchObject({ equal: true, differences: [], expected: { rejected: 0 } })
    expect(found.actual.rows).toBe(found.expected.rows)
    expect(found.actual.rows).toBeGreaterThan(10)
  })

  test('lacks what was a dead letter, which is no difference', async () => {
    const folder = tempFolder()
    // A constructor that is a number.
    const broken = `UPDATE writes SET type = 'msgpack', value = x'c7010005' WHERE rowid = (SELECT min(rowid) FROM writes)`
    const found = await verified(await checkpointsIn(`${folder}/agents.db`, broken), sinkIn(`${folder}/out`))
    expect(found).toMatchObject({ equal: true, missing: 0, extra: 0, expected: { rejected: 1 } })
    expect(found.actual.rows).toBe(found.expected.rows)
  })

  test('is another one than the store is by then', async () => {
    const folder = tempFolder()
    const changes = [
      `UPDATE checkpoints SET metadata = '{"step": 99}' WHERE rowid = (SELECT min(rowid) FROM checkpoints)`,
      'DELETE FROM checkpoints WHERE rowid = (SELECT max(rowid) FROM checkpoints)',
    ]
    const found = await verified(await checkpointsIn(`${folder}/agents.db`), sinkIn(`${folder}/out`), () =>
      runSqlite(`${folder}/agents.db`, ...changes),
    )
    expect(found).toMatchObject({ equal: false, different: 1, extra: 1, missing: 0 })
    expect(found.differences.find(({ kind }) => kind === 'different')?.fields).toEqual(['metadata'])
  })

  test('holds messages', async () => {
    const folder = tempFolder()
    const place = { type: 'sqlite', filename: fixture('message_store.db') } as const
    const found = await verified(checkpointSource({ place }), sinkIn(`${folder}/out`))
    expect(found).toMatchObject({ equal: true, differences: [] })
    expect(found.actual.rows).toBeGreaterThan(5)
  })
})

test('a value that was changed in a file is found', async () => {
  const folder = tempFolder()
  const sink = checkpointJsonSink({ outputDir: `${folder}/out` })
  const found = await verified(await checkpointsIn(`${folder}/agents.db`), sink, () => {
    const [name] = readdirSync(`${folder}/out`).filter((one) => one.endsWith('_0002.json'))
    const path = `${folder}/out/${name}`
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace('"channel_values": {', '"channel_values": { "added": 1,'))
  })
  expect(found).toMatchObject({ equal: false, different: 1 })
  expect(found.differences[0]).toMatchObject({ kind: 'different', fields: ['checkpoint'] })
})
