import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckpointRecord, CheckpointState } from '../../records/checkpoint-record.js'
import { fromInline } from '../../serde/primitives.js'
import { readValue } from '../../serde/read-value.js'
import { readRecords } from '../../testing/read-records.js'
import type { StorePlace } from '../store-place.js'
import { aesKey, copyStore, restore, type Said, said } from './testing/fixtures.js'
import { migrate, sourceOf } from './testing/migrate.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-python-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function sqlite(file: string): StorePlace & { readonly type: 'sqlite' } {
  return { type: 'sqlite', filename: join(folder, file) }
}

describe('a file of SqliteSaver', () => {
  it('gives each checkpoint as the saver does', async () => {
    const place = sqlite('read.db')
    await copyStore('sqlite', place.filename)
    const { records, rejected } = await readRecords(sourceOf('langgraph-sqlite', place), 4)
    expect(rejected).toEqual([])
    expectSame(records, await said('sqlite'))
  })

  it('keeps encrypted checkpoints whole, in files of the same kind alone', async () => {
    const place = sqlite('encrypted.db')
    const moved = sqlite('encrypted-moved.db')
    await copyStore('sqlite-encrypted', place.filename)
    const { records } = await readRecords(sourceOf('langgraph-sqlite', place))
    expect(records.map(({ state }) => 'sealed' in state && state.sealed.type)).toEqual(records.map(() => 'msgpack+aes'))
    expect(records.every(({ timestamp }) => timestamp === null)).toBe(true)
    await migrate(['langgraph-sqlite', place], ['langgraph-sqlite', moved])
    expect(await readRecords(sourceOf('langgraph-sqlite', moved))).toEqual({ records, rejected: [] })
  })
})

describePostgres('tables of PostgresSaver', () => {
  const store = useDatabase()
  const encrypted = useDatabase()
  const shallow = useDatabase()
  const empty = useDatabase()
  const another = useDatabase()
  const shallowTarget = useDatabase()
  const fromHistory = useDatabase()

  beforeAll(async () => {
    await restore('postgres', store)
    await restore('postgres-encrypted', encrypted)
    await restore('postgres-shallow', shallow)
  })

  it('give each checkpoint as the saver does', async () => {
    const { records, rejected } = await readRecords(sourceOf('langgraph-postgres', postgres(store)), 4)
    expect(rejected).toEqual([])
    expectSame(records, await said('postgres'))
    const channels = (records.at(-1)?.state as CheckpointState | undefined)?.channels ?? {}
    // Python tells 1.0 from 1, and PostgreSQL keeps the digits.
    expect(Buffer.from(channels.whole?.bytes ?? []).toString()).toBe('1.0')
  })

  it('are the same after having been in SQLite', async () => {
    const place = sqlite('between.db')
    await migrate(['langgraph-postgres', postgres(store)], ['langgraph-sqlite', place])
    await migrate(['langgraph-sqlite', place], ['langgraph-postgres', postgres(empty)])
    const before = await readRecords(sourceOf('langgraph-postgres', postgres(store)))
    expect(await readRecords(sourceOf('langgraph-postgres', postgres(empty)))).toEqual(before)
    const rows = (database: typeof store) =>
      database.query(
        `SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint::text, metadata::text FROM checkpoints ORDER BY 1, 2, 3`,
      )
    expect(await rows(empty)).toEqual(await rows(store))
    const blobs = (database: typeof store) => database.query('SELECT * FROM checkpoint_blobs ORDER BY 1, 2, 3, 4')
    expect(await blobs(empty)).toEqual(await blobs(store))
    const writes = (database: typeof store) =>
      database.query(
        'SELECT thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path FROM checkpoint_writes ORDER BY 1, 2, 3, 4, 5',
      )
    expect(await writes(empty)).toEqual(await writes(store))
    expect(await empty.query('SELECT v FROM checkpoint_migrations ORDER BY v')).toHaveLength(10)
  })

  it('take what a file holds, and the file is the same after that', async () => {
    const [place, back] = [sqlite('start.db'), sqlite('back.db')]
    await copyStore('sqlite', place.filename)
    await migrate(['langgraph-sqlite', place], ['langgraph-postgres', postgres(another)])
    await migrate(['langgraph-postgres', postgres(another)], ['langgraph-sqlite', back])
    const before = await readRecords(sourceOf('langgraph-sqlite', place))
    expect(await readRecords(sourceOf('langgraph-sqlite', back))).toEqual(before)
  })

  it('keep encrypted values by channel, which a file has no place for', async () => {
    const { records, rejected } = await readRecords(sourceOf('langgraph-postgres', postgres(encrypted)))
    expect(rejected).toEqual([])
    expectSame(records, await said('postgres-encrypted'))
    await expect(
      migrate(['langgraph-postgres', postgres(encrypted)], ['langgraph-sqlite', sqlite('sealed.db')]),
    ).rejects.toThrow(/msgpack\+aes/)
    const sealed = sqlite('sealed-source.db')
    await copyStore('sqlite-encrypted', sealed.filename)
    await expect(migrate(['langgraph-sqlite', sealed], ['langgraph-postgres', postgres(encrypted)])).rejects.toThrow(
      /is one value of the type "msgpack\+aes", which cannot be taken apart/,
    )
  })

  it('of the shallow saver give the last checkpoint of each thread, and take it again', async () => {
    const { records, rejected } = await readRecords(sourceOf('langgraph-postgres-shallow', postgres(shallow)))
    expect(rejected).toEqual([])
    expectSame(records, await said('postgres-shallow'))

    await migrate(
      ['langgraph-postgres-shallow', postgres(shallow)],
      ['langgraph-postgres-shallow', postgres(shallowTarget)],
    )
    expect(await readRecords(sourceOf('langgraph-postgres-shallow', postgres(shallowTarget)))).toEqual({
      records,
      rejected: [],
    })
  })

  it('become the last checkpoints of a shallow one, but for values that are spread over the ones before', async () => {
    const whole = (await readRecords(sourceOf('langgraph-postgres', postgres(store)))).records
    const spread = whole.filter(({ parent_checkpoint_id, state }) => {
      const { checkpoint, channels } = state as CheckpointState
      const versions = checkpoint.channel_versions as Record<string, unknown>
      return parent_checkpoint_id !== null && 'log' in versions && channels.log?.type === 'empty'
    })
    const { counts } = await migrate(
      ['langgraph-postgres', postgres(store)],
      ['langgraph-postgres-shallow', postgres(fromHistory)],
      { batchSize: 5, maxRejected: spread.length },
    )
    const fit = whole.filter((record) => !spread.includes(record))
    const last = new Map(fit.map((record) => [`${record.thread_id} ${record.checkpoint_ns}`, record]))
    expect(counts).toMatchObject({
      rejected: spread.length,
      inserted: last.size,
      updated: fit.length - last.size,
    })
    const kept = await readRecords(sourceOf('langgraph-postgres-shallow', postgres(fromHistory)))
    expect(kept.records).toEqual(
      [...last.values()].map((record) => ({ ...record, parent_checkpoint_id: null })).map(withoutInline),
    )
  })
})

function postgres({ url }: { readonly url: string }): StorePlace {
  return { type: 'postgres', connection: url }
}

/** The shallow saver keeps no value in the checkpoint itself. */
function withoutInline(record: CheckpointRecord): CheckpointRecord {
  const { checkpoint, channels } = record.state as CheckpointState
  const nothing = { type: 'null', bytes: null }
  const values = Object.entries(channels).map(([name, value]) => {
    const isNull = value.bytes !== null && Buffer.from(value.bytes).toString() === 'null'
    return [name, isNull ? nothing : fromInline(value, 'msgpack')] as const
  })
  return { ...record, state: { checkpoint, channels: Object.fromEntries(values) } }
}

/** The same checkpoints, parents, channels and writes as Python's saver told of, and every value can be read. */
function expectSame(records: readonly CheckpointRecord[], expected: readonly Said[]): void {
  const seen = records.map(
    ({ thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, state, metadata, writes }) => {
      const { checkpoint, channels } = state as CheckpointState
      const values = Object.entries(channels).filter(([, { type }]) => type !== 'empty')
      const opened = [...values.map(([, value]) => value), ...writes.map(({ value }) => value)].map((value) =>
        readValue(value, { keys: { aes: aesKey } }),
      )
      expect(opened.filter(({ opaque }) => Object.keys(opaque).length > 0)).toEqual([])
      const { pending_sends: _, ...rest } = checkpoint
      return {
        key: [thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id],
        checkpoint: rest,
        channels: values.map(([name]) => name).sort(),
        metadata,
        writes: writes.map(({ task_id, channel }) => [task_id, channel]),
      }
    },
  )
  const told = expected.map((one) => ({
    key: [one.thread_id, one.checkpoint_ns, one.checkpoint_id, one.parent_checkpoint_id],
    checkpoint: one.checkpoint,
    channels: Object.keys(one.values).sort(),
    metadata: one.metadata,
    writes: one.writes.map(([task, channel]) => [task, channel]),
  }))
  const byKey = (a: { key: unknown[] }, b: { key: unknown[] }) =>
    JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1
  expect(seen.sort(byKey)).toEqual(told.sort(byKey))
}
