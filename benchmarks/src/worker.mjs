// One contender per process: node worker.mjs <task> <options as JSON>. Plain JavaScript, so that starting it costs no compiler.

import { postgresBackfill, postgresSink, postgresSource } from '@drover/adapter-postgres'
import { sqliteBackfill, sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import {
  addMetadata,
  from,
  memorySource,
  memoryStateStore,
  ndjsonSink,
  normalizeTimestamps,
  runBackfill,
  runPipeline,
  transformer,
  verify,
} from '@drover/core'

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)
const estimateTokens = (content) => Math.max(1, Math.floor(content.length / 4))

const tasks = {
  async engine({ rows, kind, by }) {
    const records = Array.from({ length: rows }, (_, i) => ({
      id: i,
      thread_id: `thread-${i % 5000}`,
      role: i % 3 === 0 ? 'assistant' : i % 100 === 1 ? 'debug' : 'user',
      content: `message ${i}`,
      token_count: 0,
      created_at: '2025-01-01 10:20:30',
      metadata: { n: i },
    }))
    const late = (step) => async (record, context) => step(record, context)
    const steps = [normalizeTimestamps(['created_at']), addMetadata(), (m) => (m.role === 'debug' ? null : m)]
    const used = kind === 'sync' ? steps : steps.map(late)
    const context = { signal: new AbortController().signal, runStartedAt: new Date() }
    const byHand = async () => {
      let written = 0
      for (let i = 0; i < records.length; i += 1000) {
        const out = []
        for (const record of records.slice(i, i + 1000)) {
          let value = record
          for (const step of used) {
            value = kind === 'sync' ? step(value, context) : await step(value, context)
            if (value === null) break
          }
          if (value !== null) out.push(value)
        }
        written += out.length
      }
      return written
    }
    const nothing = {
      specVersion: 1,
      name: 'nothing',
      guarantee: 'idempotent',
      connect: async () => ({
        async write(batch) {
          let inserted = 0
          for await (const page of batch) inserted += page.rows().length
          return { inserted, updated: 0, skipped: 0 }
        },
        async [Symbol.asyncDispose]() {},
      }),
    }
    const byEngine = (name) => {
      let flow = from(memorySource({ records, key: 'id' }))
      for (const step of used) flow = flow.pipe(step)
      return runPipeline({ name, source: flow, sink: nothing, state: memoryStateStore() })
    }
    for (let round = 0; round < 3; round++) await (by === 'hand' ? byHand() : byEngine(`round-${round}`))
  },

  async ndjson({ database, file, driver, step, ...limits }) {
    const source = sqliteSource({ filename: database, table: 'messages', driver })
    await runPipeline({
      name: 'bench',
      source: step ? from(source).pipe((m) => ({ ...m, token_count: estimateTokens(m.content) })) : source,
      sink: ndjsonSink({ path: file }),
      ...limits,
    })
  },

  async sqlite({ database, target, driver, step, unsafe }) {
    if (unsafe) await forgetPositions()
    const source = sqliteSource({ filename: database, table: 'messages', driver })
    await runPipeline({
      name: 'bench',
      source: step ? from(source).pipe((m) => ({ ...m, token_count: estimateTokens(m.content) })) : source,
      sink: sqliteSink({ filename: target, table: 'messages', key: 'id', driver }),
    })
  },

  async backfill({ target, driver, undo, ...limits }) {
    await runBackfill({
      ...limits,
      backfiller: sqliteBackfill({
        name: 'tokens',
        filename: target,
        driver,
        undo,
        table: 'messages',
        where: { token_count: { eq: 0 } },
        reads: ['content'],
        sets: ['token_count'],
        set: (row) => ({ token_count: estimateTokens(row.content) }),
      }),
    })
  },

  /** What people write: OFFSET over a predicate that does not change, an UPDATE per row, and one commit for each. */
  async naive({ target, rows }) {
    const { default: sqlite3 } = await import('sqlite3')
    const db = new sqlite3.Database(target)
    const all = (sql, values) =>
      new Promise((resolve, reject) => db.all(sql, values, (error, found) => (error ? reject(error) : resolve(found))))
    const run = (sql, values) =>
      new Promise((resolve, reject) => db.run(sql, values, (error) => (error ? reject(error) : resolve())))
    for (let offset = 0; offset < rows; offset += 500) {
      const found = await all('select id, content from messages order by id limit 500 offset ?', [offset])
      await run('begin')
      for (const row of found)
        await run('update messages set token_count = ? where id = ?', [estimateTokens(row.content), row.id])
      await run('commit')
    }
  },

  async 'sqlite-postgres'({ database, to, driver, step, onConflict, ...limits }) {
    const source = sqliteSource({ filename: database, table: 'messages', driver })
    await runPipeline({
      name: 'bench',
      source: step ? from(source).pipe((m) => ({ ...m, token_count: estimateTokens(m.content) })) : source,
      sink: postgresSink({ connection: to, table: 'messages', ...(onConflict && { onConflict }) }),
      ...limits,
    })
  },

  async 'postgres-postgres'({ from: url, to, step, json, ...limits }) {
    const source = postgresSource({ connection: url, table: 'messages', ...(json && { json }) })
    const steps = {
      object: (m) => ({ ...m, token_count: estimateTokens(m.content) }),
      field: transformer({
        name: 'tokens',
        reads: ['content'],
        writes: ['token_count'],
        transform: (m) => ({ ...m, token_count: estimateTokens(m.content) }),
      }),
    }
    await runPipeline({
      name: 'bench',
      source: step ? from(source).pipe(steps[step]) : source,
      sink: postgresSink({ connection: to, table: 'messages' }),
      ...limits,
    })
  },

  async 'postgres-backfill'({ to, sql, undo, ...limits }) {
    await runBackfill({
      ...limits,
      backfiller: postgresBackfill({
        name: 'tokens',
        connection: to,
        undo,
        table: 'messages',
        where: { token_count: { eq: 0 } },
        sets: ['token_count'],
        ...(sql
          ? { set: { token_count: 'greatest(1, length(content) / 4)' } }
          : { reads: ['content'], set: (row) => ({ token_count: estimateTokens(row.content) }) }),
      }),
    })
  },

  /** All records of both sides as objects, one side after the other. */
  async 'read-both'({ database, to }) {
    const { signal } = new AbortController()
    const read = {
      partition: { id: 'all', bounds: null },
      after: null,
      page: { records: 1000, bytes: 4 << 20 },
      signal,
    }
    for (const source of messagesOf(database, to)) {
      const session = await source.connect({ signal })
      for await (const page of session.read({ ...read, forms: [] })) page.rows()
      await session[Symbol.asyncDispose]()
    }
  },

  async verify({ database, to, finds = [0, 0, 0] }) {
    const [expected, actual] = messagesOf(database, to)
    const { missing, extra, different } = await verify({ expected, actual, key: 'id' })
    if (`${[different, missing, extra]}` !== `${finds}`) throw new Error(`found ${[different, missing, extra]}`)
  },

  /** What people write: OFFSET, objects, and knex.batchInsert. */
  async 'naive-insert'({ database, to }) {
    const { default: knex } = await import('knex')
    const source = knex({ client: 'better-sqlite3', connection: { filename: database }, useNullAsDefault: true })
    const target = knex({ client: 'pg', connection: to })
    for (let offset = 0; ; offset += 1000) {
      const rows = await source('messages').orderBy('id').limit(1000).offset(offset)
      if (rows.length === 0) break
      await target.batchInsert('messages', rows, 1000)
    }
    await source.destroy()
    await target.destroy()
  },
}

function messagesOf(database, connection) {
  return [
    sqliteSource({ filename: database, table: 'messages', driver: 'better-sqlite3' }),
    postgresSource({ connection, table: 'messages' }),
  ]
}

/** For this benchmark alone: better-sqlite3 neither stores a position nor looks one up before a batch. */
async function forgetPositions() {
  const { default: Database } = await import('better-sqlite3')
  const { prepare } = Database.prototype
  let last = 0
  Database.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql)
    if (/^\s*update\s+"?drover_partitions"?\s+set fence = \?, sequence/i.test(sql)) {
      statement.run = (_fence, sequence) => {
        last = Number(sequence)
        return { changes: 1, lastInsertRowid: 0 }
      }
    } else if (/^\s*select fence, sequence/i.test(sql)) statement.all = () => [[0, last]]
    return statement
  }
}

await tasks[task](options)
