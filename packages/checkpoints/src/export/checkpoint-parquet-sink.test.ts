import { existsSync } from 'node:fs'
import { from, memorySink, memorySource, memoryStateStore, recordId, runPipeline } from '@drover/core'
import { parquetSource } from '@drover/export-parquet'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { type CheckpointParquetSinkOptions, checkpointParquetSink } from './checkpoint-parquet-sink.js'
import type { ExportedRecord } from './export-encoding.js'
import { broken, checkpoint, message, tempFolder } from './testing/records.js'

async function exported(records: readonly ExportedRecord[], options: CheckpointParquetSinkOptions) {
  const isCheckpoints = 'checkpoint_id' in (records[0] as object)
  const key = isCheckpoints ? ['thread_id', 'checkpoint_ns', 'checkpoint_id'] : ['session_id', 'order']
  return runPipeline({
    name: 'export',
    source: from(memorySource({ records: records as never[], key })),
    sink: checkpointParquetSink(options) as never,
    state: memoryStateStore(),
    deadLetters: `${tempFolder()}/dead`,
    maxRejected: 1,
  } as never)
}

async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Record<string, unknown>[]
  } finally {
    connection.closeSync()
  }
}

async function readBack(outputPath: string): Promise<readonly Record<string, unknown>[]> {
  const sink = memorySink()
  await runPipeline({
    name: 'back',
    source: parquetSource({ path: outputPath }),
    sink,
    state: memoryStateStore(),
  } as never)
  return sink.store.rows as Record<string, unknown>[]
}

test('a checkpoint is a row whose columns DuckDB reads', async () => {
  const path = `${tempFolder()}/checkpoints.parquet`
  const report = await exported(
    [checkpoint('1'), broken('2'), checkpoint('3', { timestamp: null, state: { checkpoint: {}, channels: {} } })],
    { path },
  )
  expect(report.counts).toMatchObject({ written: 2, rejected: 1 })
  const described = await duckdb(`DESCRIBE SELECT * FROM '${path}'`)
  expect(described.map(({ column_name, column_type }) => [column_name, column_type])).toEqual([
    ['id', 'VARCHAR'],
    ['thread_id', 'VARCHAR'],
    ['checkpoint_ns', 'VARCHAR'],
    ['checkpoint_id', 'VARCHAR'],
    ['parent_checkpoint_id', 'VARCHAR'],
    ['type', 'VARCHAR'],
    ['timestamp', 'TIMESTAMP WITH TIME ZONE'],
    ['checkpoint_data', 'BLOB'],
    ['metadata', 'VARCHAR'],
  ])
  const [row, other] = await duckdb(
    `SELECT id, type, epoch_ms("timestamp")::DOUBLE AS at, decode(checkpoint_data) AS data, metadata FROM '${path}' ORDER BY checkpoint_id`,
  )
  expect(row).toMatchObject({
    id: recordId({ source: ['t', '', '1'], child: 0 }),
    type: 'checkpoint',
    at: Date.parse('2025-01-31T08:30:00.123Z'),
    metadata: '{"source":"loop","step":1}',
  })
  expect(JSON.parse(row?.data as string)).toMatchObject({
    v: 4,
    channel_values: { messages: { type: 'ai' } },
    pending_writes: [{ idx: 0 }, { idx: -3 }],
  })
  expect(other?.at).toBeNull()
})

test('threads of any name are folders that lead back to them', async () => {
  const path = `${tempFolder()}/checkpoints.parquet`
  const threads = ['a/b', '', 'NULL', 'ü', '..']
  const records = threads.map((thread_id, i) => checkpoint(String(i), { thread_id }))
  await exported(records, { path, partitionBy: ['thread_id'], compression: 'zstd' })
  expect(existsSync(`${path}/thread_id=a%2Fb`)).toBe(true)
  const back = await readBack(path)
  expect(back.map(({ thread_id, checkpoint_id }) => [thread_id, checkpoint_id]).sort()).toEqual(
    threads.map((thread, i) => [thread, String(i)]).sort(),
  )
  const glob = `read_parquet('${path}/*/*.parquet', hive_partitioning = true, hive_types = {'thread_id': VARCHAR})`
  const found = await duckdb(`SELECT thread_id, checkpoint_id FROM ${glob} ORDER BY checkpoint_id`)
  expect(found.map(({ thread_id }) => thread_id)).toEqual(threads)
})

test('a message is a row, too', async () => {
  const path = `${tempFolder()}/messages.parquet`
  await exported([message(7)], { path, compression: 'gzip' })
  const [row] = await readBack(path)
  expect(row).toMatchObject({
    thread_id: 's',
    checkpoint_ns: '',
    checkpoint_id: '7',
    parent_checkpoint_id: null,
    type: 'ai',
    metadata: '{}',
  })
  expect(JSON.parse(Buffer.from(row?.checkpoint_data as Uint8Array).toString())).toMatchObject({
    text: 'look here',
    tool_calls: [{ name: 'search' }],
    data: { id: 'm1' },
  })
})

test.each([
  [{ path: '' }, /path is a text/],
  [{ path: 'a', compression: 'lzma' }, /compression is 'snappy' or/],
  [{ path: 'a', partitionBy: ['thread'] }, /there is no such column. There are: id, thread_id/],
  [{ path: 'a', output: 'b' }, /no option "output"/],
])('%o is refused', (options, message) => {
  const make = () => checkpointParquetSink(options as never)
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
})

test('a time that is no instant keeps no record out: it stands in the data alone, and is counted', async () => {
  const path = `${tempFolder()}/odd.parquet`
  const odd = checkpoint('1', { timestamp: 'soon', state: { checkpoint: { v: 4, ts: 'soon' }, channels: {} } })
  const report = await exported([odd, checkpoint('2')], { path })
  expect(report.counts).toMatchObject({ written: 2, rejected: 0 })
  expect(report.account?.figures).toMatchObject({ 'opaque timestamp': 1 })
  const [first] = await readBack(path)
  expect(first?.timestamp).toBeNull()
  expect(JSON.parse(Buffer.from(first?.checkpoint_data as Uint8Array).toString())).toMatchObject({ ts: 'soon' })
  const messages = `${tempFolder()}/odd.parquet`
  await exported([message(1, { created_at: 'soon' })], { path: messages })
  const [said] = await readBack(messages)
  expect(JSON.parse(Buffer.from(said?.checkpoint_data as Uint8Array).toString())).toMatchObject({ timestamp: 'soon' })
})
