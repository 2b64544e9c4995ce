import { memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, test } from 'vitest'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import type { StoredValue } from '../../records/stored-value.js'
import { readRecords } from '../../testing/read-records.js'
import type { StorePlace } from '../store-place.js'
import { sinkOf, sourceOf } from './testing/migrate.js'

describePostgres('values that PostgreSQL does not keep as they came', () => {
  const database = useDatabase()
  const place = (): StorePlace => ({ type: 'postgres', connection: database.url })

  const write = async (
    layout: 'langgraph-postgres' | 'langgraph-js-postgres',
    records: readonly CheckpointRecord[],
  ) => {
    await database.query('DROP TABLE IF EXISTS checkpoints, checkpoint_blobs, checkpoint_writes, checkpoint_migrations')
    const { warnings } = await runPipeline({
      name: `${layout} ${JSON.stringify(records).length}`,
      source: memorySource({ records, key: checkpointSchema.key as never, schema: checkpointSchema }),
      sink: sinkOf(layout, place()),
      state: memoryStateStore(),
    })
    return { warnings, kept: (await readRecords(sourceOf(layout, place()))).records }
  }

  test('are said where several forms of one share a version (VALUES_DIFFER), once', async () => {
    const list = (...numbers: number[]): StoredValue => ({
      type: 'msgpack',
      bytes: new Uint8Array([0x90 + numbers.length, ...numbers]),
    })
    const versions = { tags: '1.0', more: '1.0' }
    const record = (id: string, tags: StoredValue) => checkpoint('python', id, versions, { tags, more: tags })
    const same = await write('langgraph-postgres', [record('1', list(1, 2)), record('2', list(1, 2))])
    expect(same.warnings).toEqual([])
    const { warnings, kept } = await write('langgraph-postgres', [record('1', list(1, 2)), record('2', list(2, 1))])
    expect(warnings).toEqual([
      {
        code: 'VALUES_DIFFER',
        message: expect.stringMatching(
          /^The value of the channel "(?:tags|more)" of thread "t" at version 1\.0 was written in several forms.*The first one is kept/,
        ),
      },
    ])
    expect(kept.map(({ state }) => 'channels' in state && [...(state.channels.tags?.bytes ?? [])])).toEqual([
      [0x92, 1, 2],
      [0x92, 1, 2],
    ])
  })

  test('are said where a channel that holds more than nothing has no version (VALUES_LEFT_OUT), once', async () => {
    const value = (json: string): StoredValue => ({ type: 'json', bytes: Buffer.from(json) })
    const record = (id: string, json: string) =>
      checkpoint('js', id, { said: Number(id) }, { said: value('"hello"'), limit: value(json) })
    const nothing = await write('langgraph-js-postgres', [record('1', '[]'), record('2', 'null')])
    expect(nothing.warnings).toEqual([])
    const { warnings, kept } = await write('langgraph-js-postgres', [record('1', '7'), record('2', '8')])
    expect(warnings).toEqual([
      {
        code: 'VALUES_LEFT_OUT',
        message: expect.stringMatching(/^Checkpoint "?1"? .*the channel "limit" has a value and no version/),
      },
    ])
    expect(kept.map(({ state }) => 'channels' in state && Object.keys(state.channels))).toEqual([['said'], ['said']])
  })
})

function checkpoint(
  language: 'python' | 'js',
  checkpoint_id: string,
  channel_versions: Readonly<Record<string, unknown>>,
  channels: Readonly<Record<string, StoredValue>>,
): CheckpointRecord {
  const ts = '2025-01-01T00:00:00+00:00'
  return {
    thread_id: 't',
    checkpoint_ns: '',
    checkpoint_id,
    parent_checkpoint_id: null,
    timestamp: ts,
    language,
    state: { checkpoint: { v: 4, id: checkpoint_id, ts, channel_versions, versions_seen: {} }, channels },
    metadata: {},
    writes: [],
  }
}
