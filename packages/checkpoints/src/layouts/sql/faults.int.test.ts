import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dryRun, memoryStateStore, runPipeline, startPipeline, verify } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { readRecords } from '../../testing/read-records.js'
import { runSqlite } from '../langchain/testing/run-sqlite.js'
import type { StorePlace } from '../store-place.js'
import { copyStore, restore } from './testing/fixtures.js'
import { migrate, sinkOf, sourceOf } from './testing/migrate.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-faults-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function sqlite(file: string): StorePlace & { readonly type: 'sqlite' } {
  return { type: 'sqlite', filename: join(folder, file) }
}

/** Ten checkpoints of which the seventh is cut off; gives its key. */
async function tenWithBroken(filename: string): Promise<readonly string[]> {
  await copyStore('sqlite', filename)
  const { records } = await readRecords(sourceOf('langgraph-sqlite', { type: 'sqlite', filename }))
  const broken = records[6] as CheckpointRecord
  const nth = (count: number) =>
    `(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints ORDER BY 1, 2, 3 LIMIT 1 OFFSET ${count})`
  await runSqlite(
    filename,
    `DELETE FROM checkpoints WHERE (thread_id, checkpoint_ns, checkpoint_id) >= ${nth(10)}`,
    `UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, length(checkpoint) - 40) WHERE (thread_id, checkpoint_ns, checkpoint_id) = ${nth(6)}`,
  )
  return [broken.thread_id, broken.checkpoint_ns, broken.checkpoint_id]
}

describe('a checkpoint that is cut off', () => {
  it('is a dead letter with its key, and the nine others arrive', async () => {
    const [place, target] = [sqlite('cut.db'), sqlite('nine.db')]
    const key = await tenWithBroken(place.filename)
    const rejected: unknown[] = []
    const run = startPipeline({
      name: 'cut',
      source: sourceOf('langgraph-sqlite', place),
      sink: sinkOf('langgraph-sqlite', target),
      state: memoryStateStore(),
      maxRejected: 100,
    })
    run.events.on('record:rejected', (event) => void rejected.push(event))
    expect((await run.result).counts).toMatchObject({ read: 10, written: 9, rejected: 1 })
    expect(rejected).toMatchObject([{ key, code: 'RECORD_UNREADABLE' }])
    expect((await readRecords(sourceOf('langgraph-sqlite', target))).records).toHaveLength(9)
  })

  it('can be read again after what was rejected is forgotten', async () => {
    const place = sqlite('slices.db')
    await tenWithBroken(place.filename)
    const { signal } = new AbortController()
    await using session = await sourceOf('langgraph-sqlite', place).connect({ signal })
    const page = { records: 100, bytes: 1 << 24 }
    const partition = { id: 'all', bounds: null }
    for await (const one of session.read({ signal, partition, after: null, page })) {
      const rows = one.rows()
      expect([one.count, rows.length, one.rejected?.length]).toEqual([10, 9, 1])
      const slice = one.slice(4, 8)
      expect(slice.rows()).toEqual(rows.slice(4, 8))
      expect(slice.keys()).toEqual(one.keys().slice(4, 8))
      expect([slice.count, slice.rejected]).toEqual([4, []])
      slice.release?.(false)
      expect(slice.rows()).toEqual(rows.slice(4, 8))
    }
  })
})

describePostgres('values that are broken, or in the way', () => {
  const store = useDatabase()
  const target = useDatabase()
  const broken = useDatabase()
  const lanes = useDatabase()
  const place = ({ url }: { url: string }): StorePlace => ({ type: 'postgres', connection: url })
  let records: readonly CheckpointRecord[] = []

  beforeAll(async () => {
    await restore('postgres', store)
    records = (await readRecords(sourceOf('langgraph-postgres', place(store)))).records
  })

  it('are named by channel, and the checkpoints that share them are left out', async () => {
    await restore('postgres', broken)
    await broken.query(
      `UPDATE checkpoint_blobs SET blob = substring(blob for 20) WHERE channel = 'messages' AND version LIKE '%02.%' AND thread_id = 'customer-1' AND checkpoint_ns = ''`,
    )
    await broken.query(
      `UPDATE checkpoints SET checkpoint = '[]' WHERE (thread_id, checkpoint_ns, checkpoint_id) = (SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints ORDER BY 1 DESC, 2, 3 LIMIT 1)`,
    )
    const found = await readRecords(sourceOf('langgraph-postgres', place(broken)))
    expect(found.rejected.map(({ error }) => (error as Error).message)).toEqual([
      expect.stringMatching(/^Channel "messages", of the type "msgpack", cannot be read,? at byte 20/),
      expect.stringMatching(/^The checkpoint is no JSON object/),
    ])
    expect(found.rejected.map(({ key }) => key?.[0])).toEqual(['customer-1', 'Ж-3'])
    expect(found.records).toHaveLength(records.length - 2)
  })

  it('are counted, rehearsed without a trace, written, and verified', async () => {
    const [source, sink] = [sourceOf('langgraph-postgres', place(store)), sinkOf('langgraph-postgres', place(target))]
    const dry = await dryRun({ name: 'dry', source, sink })
    expect(dry.problems).toEqual([])
    expect(dry.count).toMatchObject({ value: records.length })
    expect(await target.query(`SELECT to_regclass('checkpoints')::text AS name`)).toEqual([{ name: null }])
    await migrate(['langgraph-postgres', place(store)], ['langgraph-postgres', place(target)], { batchSize: 4 })
    const actual = sourceOf('langgraph-postgres', place(target))
    const verified = await verify({ expected: source, actual, key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'] })
    expect(verified).toMatchObject({ equal: true, missing: 0, extra: 0, different: 0 })
  })

  it('are the same when several lanes write the same threads', async () => {
    const target = place(lanes)
    const report = await runPipeline({
      name: 'lanes',
      source: sourceOf('langgraph-postgres', place(store)),
      sink: sinkOf('langgraph-postgres', target),
      state: memoryStateStore(),
      parallel: 4,
      batchSize: 2,
    })
    expect(report.partitions.length).toBeGreaterThan(1)
    const copied = await readRecords(sourceOf('langgraph-postgres', target))
    expect(copied).toEqual({ records, rejected: [] })
  })

  it('are rehearsed for a file that is not there, and none is there afterwards', async () => {
    const target = sqlite('not-there.db')
    const source = sourceOf('langgraph-postgres', place(store))
    const dry = await dryRun({ name: 'dry', source, sink: sinkOf('langgraph-sqlite', target) })
    expect(dry.problems).toEqual([])
    expect(dry.creates).toEqual(expect.arrayContaining(['table "checkpoints"', 'table "writes"']))
    await expect(stat(target.filename)).rejects.toThrow(/ENOENT/)
  })

  it('with U+0000 in a text are refused by themselves', async () => {
    const file = sqlite('nul.db')
    await copyStore('sqlite', file.filename)
    await runSqlite(
      file.filename,
      `UPDATE checkpoints SET metadata = CAST('{"who":"a\\u0000b"}' AS BLOB) WHERE thread_id = 'customer-1' AND checkpoint_ns = ''`,
    )
    const { counts } = await migrate(['langgraph-sqlite', file], ['langgraph-postgres', place(target)], {
      maxRejected: 100,
    })
    expect(counts).toMatchObject({ rejected: 3, inserted: 15 })
  })
})
