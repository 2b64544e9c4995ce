import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memoryStateStore, runPipeline, type Sink, type Source } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MessageRecord } from '../../records/message-record.js'
import { readRecords } from '../../testing/read-records.js'
import type { LayoutOptions } from '../layout.js'
import { historySink } from './history-sink.js'
import { historySource } from './history-source.js'
import { addedMessages, comparable, fixture, restoreTable } from './testing/histories.js'
import { runSqlite } from './testing/run-sqlite.js'

const folder = mkdtempSync(path.join(tmpdir(), 'drover-histories-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function copy(from: Source<MessageRecord>, to: Sink<MessageRecord>) {
  return runPipeline({ name: 'copy', source: from, sink: to, state: memoryStateStore() })
}

function lite(name: string): LayoutOptions {
  return { place: { type: 'sqlite', filename: path.join(folder, name) } }
}

describe('the table of SQLChatMessageHistory in SQLite', () => {
  test('gives each message as it was added, in order', async () => {
    const filename = path.join(folder, 'library.db')
    copyFileSync(fixture('message_store.db'), filename)
    const source = historySource('langchain-sqlite', { place: { type: 'sqlite', filename } })
    const { records, rejected } = await readRecords(source)
    expect(rejected).toEqual([])
    expect(records.map(comparable)).toEqual(addedMessages())
    expect(records.map(({ order }) => order)).toEqual(records.map((_, i) => i + 1))
  })

  test('rejects a message that is none, with its key and its bytes, and gives the others', async () => {
    const filename = path.join(folder, 'broken.db')
    copyFileSync(fixture('message_store.db'), filename)
    const broken = [
      '{"type": "human", "da',
      '[]',
      '{"type": "alien", "data": {"content": ""}}',
      '{"type": "ai", "data": {"content": 7}}',
    ]
    const set = (text: string, i: number) => `UPDATE message_store SET message = '${text}' WHERE id = ${i + 2}`
    await runSqlite(filename, ...broken.map(set), 'UPDATE message_store SET session_id = NULL WHERE id = 6')
    const { records, rejected } = await readRecords(historySource('x', { place: { type: 'sqlite', filename } }))
    expect(rejected.map(({ key }) => key)).toEqual([[2], [3], [4], [5], [6]])
    expect(rejected.slice(0, 4).map(({ raw }) => raw?.toString())).toEqual(broken)
    expect(rejected.map(({ error }) => (error as Error).message)).toEqual([
      expect.stringContaining('it is no JSON'),
      expect.stringContaining('an array of 0'),
      expect.stringContaining('"alien"; known are human, ai'),
      expect.stringContaining('its content is 7'),
      expect.stringContaining('its session_id is null'),
    ])
    expect(records).toHaveLength(addedMessages().length - 5)
  })

  test('is found under either name, and two of them, none or another table are said', async () => {
    const filename = path.join(folder, 'names.db')
    await runSqlite(filename, 'CREATE TABLE other (id INTEGER PRIMARY KEY)')
    const of = (options: Partial<LayoutOptions>) =>
      readRecords(historySource('langchain-sqlite', { place: { type: 'sqlite', filename }, ...options }))
    await expect(of({})).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('"chat_message_history" or "message_store"'),
    })
    const columns = '(id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)'
    await runSqlite(
      filename,
      `CREATE TABLE chat_message_history ${columns}`,
      'CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)',
    )
    expect((await of({})).records).toEqual([])
    await expect(of({ table: 'notes' })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('has no column "session_id", "message"'),
    })
    await runSqlite(filename, `CREATE TABLE message_store ${columns}`)
    await expect(of({})).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('option table'),
    })
    expect((await of({ table: 'message_store' })).records).toEqual([])
  })
})

describePostgres('tables of messages in PostgreSQL', () => {
  const database = useDatabase()
  const of = (table: string, more: object = {}): LayoutOptions => ({
    place: { type: 'postgres', connection: database.url },
    table,
    ...more,
  })

  beforeAll(async () => {
    for (const name of ['message_store', 'text_store', 'chat_message_history']) await restoreTable(database, name)
  })

  test.each(['message_store', 'text_store', 'chat_message_history'])(
    '%s gives each message as it was added',
    async (table) => {
      const { records, rejected } = await readRecords(historySource('langchain-postgres', of(table)))
      expect(rejected).toEqual([])
      expect(records.map(comparable)).toEqual(addedMessages())
      const times = records.map(({ created_at }) => created_at)
      if (table === 'chat_message_history') expect(times[0]).toMatch(/^2026-11-22T05:4\d:\d\d\.\d{6}Z$/)
      else expect(times.every((time) => time === null)).toBe(true)
    },
  )

  test('go from text to JSONB to SQLite to UUIDs with times and back, equal and in order, whatever the size of a batch', async () => {
    const first = historySource('langchain-postgres', of('text_store'))
    const wanted = (await readRecords(first)).records.map(comparable)
    const community = of('copied')
    const sqlite = { ...lite('copied.db'), table: 'copied' }
    const uuids = of('uuid_copy', { sessions: 'uuid' })
    await copy(first, historySink('langchain-postgres', community))
    await copy(historySource('langchain-postgres', community), historySink('langchain-sqlite', sqlite))
    await copy(historySource('langchain-sqlite', sqlite), historySink('langchain-postgres', uuids))
    await copy(
      historySource('langchain-postgres', of('chat_message_history')),
      historySink('langchain-postgres', of('timed', { sessions: 'uuid' })),
    )
    for (const source of [
      historySource('langchain-postgres', community),
      historySource('langchain-sqlite', sqlite),
      historySource('langchain-postgres', uuids),
    ]) {
      const { records, rejected } = await readRecords(source, 3)
      expect(rejected).toEqual([])
      expect(records.map(comparable)).toEqual(wanted)
    }
    const timed = await readRecords(historySource('langchain-postgres', of('timed')))
    const original = await readRecords(historySource('langchain-postgres', of('chat_message_history')))
    expect(timed.records).toEqual(original.records)
  })

  test('are created as the library does it, and take what the application adds behind', async () => {
    await copy(
      historySource('langchain-postgres', of('text_store')),
      historySink('langchain-postgres', of('grown', { sessions: 'uuid' })),
    )
    await database.query(
      `INSERT INTO grown (session_id, message) VALUES (gen_random_uuid(), '{"type": "human", "data": {"content": "later"}}')`,
    )
    const { records } = await readRecords(historySource('langchain-postgres', of('grown')))
    expect(records.at(-1)).toMatchObject({ content: 'later', order: addedMessages().length + 1 })
    const [index] = (await database.query(
      `SELECT indexname FROM pg_indexes WHERE indexname = 'idx_grown_session_id'`,
    )) as unknown[]
    expect(index).toBeDefined()
  })

  test('refuse a session that is no UUID with its record, and take the others', async () => {
    const source = historySource('langchain-postgres', of('message_store'))
    await database.query(`CREATE TABLE odd AS SELECT * FROM message_store; ALTER TABLE odd ADD PRIMARY KEY (id);
      UPDATE odd SET session_id = 'aunt' WHERE id = 4`)
    const report = await runPipeline({
      name: 'odd',
      source: historySource('langchain-postgres', of('odd')),
      sink: historySink('langchain-postgres', of('even', { sessions: 'uuid' })),
      state: memoryStateStore(),
      maxRejected: 10,
      deadLetters: path.join(folder, 'dead'),
    })
    expect(report.counts).toMatchObject({ written: addedMessages().length - 1, rejected: 1 })
    const left = (await readRecords(historySource('langchain-postgres', of('even')))).records.map(comparable)
    const all = (await readRecords(source)).records.map(comparable)
    expect(left).toEqual(all.filter((_, i) => i !== 3))
  })
})
