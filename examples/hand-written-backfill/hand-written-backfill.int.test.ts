import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sqliteStateStore } from '@drover/adapter-sqlite'
import { type Report, type RunOptions, runBackfill } from '@drover/core'
import { killWhen, sampleDatabase } from '@drover-internal/agent-database'
import knex, { type Knex } from 'knex'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MessageTokenBackfiller } from './message-token-backfiller.js'

let folder: string
let filename: string
let db: Knex

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-hand-written-'))
  filename = await sampleDatabase({ folder })
  db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
})

afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

async function backfill(options: Pick<RunOptions, 'stopAfter'> = {}): Promise<Report> {
  await using state = sqliteStateStore({ filename })
  return runBackfill({ backfiller: new MessageTokenBackfiller(filename), state, batchSize: 500, ...options })
}

async function countOf(content: string): Promise<unknown> {
  await db('conversation_history').where({ id: 1 }).update({ content, token_count: 0 })
  await backfill()
  return db('conversation_history').where({ id: 1 }).pluck('token_count')
}

it('updates 12,456 messages once each, and none in a second pass', async () => {
  expect(await backfill()).toMatchObject({
    status: 'completed',
    guarantee: 'exactly-once',
    counts: { read: 12_456, updated: 12_456 },
  })
  expect(await db('conversation_history').where('token_count', 0).pluck('content')).toEqual(Array(133).fill(''))
  for (const table of ['drover_partitions', 'drover_runs']) await db(table).delete()
  expect(await backfill()).toMatchObject({ status: 'completed', counts: { read: 0, updated: 0 } })
})

it('goes on where it stopped', async () => {
  expect(await backfill({ stopAfter: { records: 2_500 } })).toMatchObject({
    status: 'stopped',
    counts: { read: 2_500 },
  })
  const report = await backfill()
  expect(report.attempt).toMatchObject({ resumed: true, counts: { read: 9_956 } })
  expect(report).toMatchObject({ status: 'completed', counts: { read: 12_456, updated: 12_456 } })
})

it('goes on where it was killed', async () => {
  const main = path.join(import.meta.dirname, 'main.ts')
  await killWhen(main, ['--database', filename, '--records-per-second', '4000'], /[1-9],\d{3} of 12,456 records/)
  const updated = await db('conversation_history').where('token_count', '>', 0).count({ count: '*' })
  const report = await backfill()
  expect(report).toMatchObject({ status: 'completed', counts: { read: 12_456, updated: 12_456 } })
  expect(report.attempt).toMatchObject({ resumed: true, counts: { read: 12_456 - Number(updated[0]?.count) } })
})

it('leaves a count alone that the application writes meanwhile', async () => {
  const backfiller = new MessageTokenBackfiller(filename)
  await db('conversation_history').where({ id: 2 }).update({ token_count: 0 })
  await db.raw(`create trigger meanwhile after update on conversation_history when new.id = 1
    begin update conversation_history set token_count = 7777 where id = 2; end`)
  await using state = sqliteStateStore({ filename })
  const { counts } = await runBackfill({ backfiller, state })
  expect(counts).toMatchObject({ read: 12_456, updated: 12_455, skipped: 1 })
  expect(await db('conversation_history').where({ id: 2 }).pluck('token_count')).toEqual([7777])
})

it('updates exactly the messages that are new', async () => {
  await backfill()
  const [message] = await db('conversation_history').where({ id: 1 })
  for (const id of [20_001, 20_002, 20_003]) {
    await db('conversation_history').insert({ ...message, id, content: 'twelve chars', token_count: 0 })
  }
  expect((await backfill()).counts).toMatchObject({ read: 3, updated: 3 })
  expect(await db('conversation_history').where('id', '>', 20_000).pluck('token_count')).toEqual([3, 3, 3])
})

it('leaves the empty text alone and counts at least one token of others', async () => {
  expect(await countOf('')).toEqual([0])
  expect(await countOf('hi')).toEqual([1])
  expect(await countOf('😀'.repeat(8))).toEqual([2])
  expect(await countOf('ninechars')).toEqual([2])
})
