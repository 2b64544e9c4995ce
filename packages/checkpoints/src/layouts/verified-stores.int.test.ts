import {
  from,
  memorySource,
  memoryStateStore,
  runPipeline,
  type Sink,
  type Source,
  type Verification,
  verify,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { beforeAll, expect, test } from 'vitest'
import { tempFolder } from '../export/testing/records.js'
import type { CheckpointRecord, CheckpointState } from '../records/checkpoint-record.js'
import { checkpointSchema } from '../records/schemas.js'
import { readRecords } from '../testing/read-records.js'
import { runSqlite } from './langchain/testing/run-sqlite.js'
import { checkpointReading } from './redis/checkpoint-reading.js'
import { checkpointRedisSink } from './redis/checkpoint-sink.js'
import { redisLayoutSource } from './redis/redis-layout-source.js'
import { loadKeys } from './redis/testing/redis-fixtures.js'
import { copyStore, restore } from './sql/testing/fixtures.js'
import { sinkOf, sourceOf } from './sql/testing/migrate.js'
import type { StorePlace } from './store-place.js'

const key = ['thread_id', 'checkpoint_ns', 'checkpoint_id'] as const
const { signal } = new AbortController()

/** Copies, changes something, and compares as `drover verify` does. */
async function verified(
  source: Source<CheckpointRecord>,
  sink: Sink<CheckpointRecord>,
  change: () => void | Promise<void> = () => {},
): Promise<Verification> {
  await runPipeline({ name: 'copy', source, sink, state: memoryStateStore(), maxRejected: 100 })
  await change()
  await using session = await sink.connect({ signal })
  const { readBack, readsBackAs } = session
  return await verify({
    expected: source as Source<object> as Source,
    actual: readBack?.call(session) as Source,
    ...(readsBackAs === undefined ? {} : { readsBackAs: readsBackAs.bind(session) }),
    key: [...key],
  })
}

const equal = { equal: true, differences: [], missing: 0, extra: 0 }
const sqlite = (name: string): StorePlace & { readonly type: 'sqlite' } => ({
  type: 'sqlite',
  filename: `${tempFolder()}/${name}.db`,
})

describePostgres('checkpoints of PostgreSQL', () => {
  const store = useDatabase()
  const target = useDatabase()
  const qdrant = useQdrant()
  beforeAll(() => restore('postgres', store))
  const place = ({ url }: { readonly url: string }): StorePlace => ({ type: 'postgres', connection: url })
  const source = () => sourceOf('langgraph-postgres', place(store))
  const unified = (): StorePlace => ({
    type: 'qdrant',
    url: qdrant.url,
    ...(qdrant.apiKey === undefined ? {} : { apiKey: qdrant.apiKey }),
    collection: qdrant.collection(),
  })

  test('are the same in SQLite, and after unified memory', async () => {
    const between = unified()
    for (const one of [
      await verified(source(), sinkOf('langgraph-sqlite', sqlite('direct'))),
      await verified(source(), sinkOf('unified-qdrant', between, 'update')),
      await verified(sourceOf('unified-qdrant', between), sinkOf('langgraph-sqlite', sqlite('after'))),
    ]) {
      expect(one).toMatchObject(equal)
      expect(one.actual.rows).toBe(18)
    }
  })

  test('are others where SQLite has another value', async () => {
    const to = sqlite('changed')
    const found = await verified(source(), sinkOf('langgraph-sqlite', to), () =>
      runSqlite(
        to.filename,
        `UPDATE writes SET value = x'c0' WHERE rowid = (SELECT min(rowid) FROM writes)`,
        `DELETE FROM checkpoints WHERE rowid = (SELECT max(rowid) FROM checkpoints)`,
      ),
    )
    expect(found).toMatchObject({ equal: false, different: 1, missing: 1, extra: 0 })
    expect(found.differences.find(({ kind }) => kind === 'different')?.fields).toEqual(['writes'])
  })

  test('are the same in PostgreSQL with the texts and numbers that JSONB prints in another way', async () => {
    const file = sqlite('odd')
    await copyStore('sqlite', file.filename)
    const metadata = '{"step": 1, "huge": 1.5e300, "tiny": 1e-300, "whole": 1.0, "said": "\\u00e9\\u0007 1e5"}'
    await runSqlite(file.filename, `UPDATE checkpoints SET metadata = CAST('${metadata}' AS BLOB)`)
    const { records } = await readRecords(sourceOf('langgraph-sqlite', file))
    const odd = records.map((record) => {
      if ('sealed' in record.state) return record
      const [channel] = Object.keys(record.state.channels) as [string]
      const channels = {
        ...record.state.channels,
        [channel]: { type: 'inline', bytes: Buffer.from('"\\u00e9\\u0007"') },
      }
      return { ...record, state: { ...record.state, channels } }
    })
    const given = memorySource({ records: odd, key, schema: checkpointSchema })
    expect(await verified(given, sinkOf('langgraph-postgres', place(target)))).toMatchObject(equal)
  })
})

describeRedis('checkpoints of Redis', () => {
  const before = useRedis()
  const after = useRedis()
  const sourceIn = ({ url }: { readonly url: string }) =>
    redisLayoutSource<CheckpointRecord>(
      'langgraph-redis',
      { place: { type: 'redis', connection: url } },
      checkpointReading('langgraph-redis'),
      'text',
    )

  test('are the same in another one, also with values of another form', async () => {
    await loadKeys(before.client, 'python.ndjson', 'text')
    const sink = checkpointRedisSink('langgraph-redis', { place: { type: 'redis', connection: after.url } }, 'text')
    expect(await verified(sourceIn(before), sink)).toMatchObject(equal)
    const withNull = from(sourceIn(before)).pipe((record) => {
      const { channels, ...state } = record.state as CheckpointState
      return { ...record, state: { ...state, channels: { ...channels, answer: { type: 'null', bytes: null } } } }
    }) as object as Source<CheckpointRecord>
    expect(await verified(withNull, sink)).toMatchObject(equal)
  })
})
