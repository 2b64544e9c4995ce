import { copyDatabase, deadLetterSource, runPipeline } from '@drover/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { TestDatabase } from '../testing/test-database.js'
import { sqliteDatabase } from './sqlite-database.js'

let from: TestDatabase
let to: TestDatabase
beforeEach(() => {
  from = new TestDatabase('better-sqlite3')
  to = new TestDatabase('better-sqlite3')
})
afterEach(async () => {
  await from[Symbol.asyncDispose]()
  await to[Symbol.asyncDispose]()
})

it('keeps the letters of tables apart whose keys are the same, and reads those of one table', async () => {
  for (const table of ['a', 'b']) {
    await from.exec(
      `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO ${table} VALUES (1, 1), (2, -2)`,
    )
    await to.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, v INTEGER CHECK (v > 0))`)
  }
  const deadLetters = `${to.folder}/letters`
  const databases = { from: sqliteDatabase({ filename: from.file }), to: sqliteDatabase({ filename: to.file }) }
  const copied = await copyDatabase({ ...databases, deadLetters, maxRejected: 2 })
  expect(copied.counts).toMatchObject({ written: 2, rejected: 2 })
  const send = async (partition?: string) => {
    const table = `sent_${partition ?? 'all'}`
    const source = deadLetterSource(deadLetters, partition === undefined ? {} : { partition })
    const sink = sqliteSink({ filename: to.file, table, createTable: true })
    return (await runPipeline({ name: table, source, sink })).counts.written
  }
  expect([await send(), await send('a'), await send('b'), await send('c')]).toEqual([2, 1, 1, 0])
})
