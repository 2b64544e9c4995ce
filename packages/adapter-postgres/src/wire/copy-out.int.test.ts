import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CopyFramer } from './copy-framer.js'
import { CopyLayout } from './copy-layout.js'
import { CopyOut } from './copy-out.js'
import { CopyPage } from './copy-page.js'
import { type WireColumn, wireType } from './wire-type.js'

const columns: readonly WireColumn[] = [
  { name: 'id', type: wireType('int4') },
  { name: 'text', type: wireType('text') },
]
const layout = new CopyLayout(columns, { where: 'table "t"', key: ['id'] })
const copy = (query: string) => `COPY (${query}) TO STDOUT (FORMAT binary)`
/** Rows of up to 3 kB, so that messages end anywhere in the socket's chunks. */
const rowsOf = (count: number) =>
  `SELECT g AS id, repeat('x', (g * 7919) % 3000) AS text FROM generate_series(1, ${count}) g`
const textOf = (id: number) => 'x'.repeat((id * 7919) % 3000)

function copyOut(sql: string, records = 100): CopyOut {
  return new CopyOut(sql, new CopyFramer({ columns: 2, records, bytes: 1 << 20, where: 'table "t"' }))
}

describePostgres('CopyOut', () => {
  const database = useDatabase()
  let client: pg.Client
  beforeEach(async () => {
    client = new pg.Client({ connectionString: database.url })
    client.on('error', () => {}) // the test that ends the connection looks at the copy
    await client.connect()
  })
  afterEach(() => client.end())

  async function read(out: CopyOut): Promise<number[]> {
    const counts: number[] = []
    let id = 0
    for await (const rows of client.query(out)) {
      counts.push(rows.starts.length)
      for (const row of new CopyPage(layout, rows, 0).rows()) {
        id++
        expect(row.id).toBe(id)
        if (row.text !== textOf(id)) expect(row.text).toBe(textOf(id))
      }
    }
    return counts
  }

  test('gives all rows in pages, and leaves the client as it was', async () => {
    const counts = await read(copyOut(copy(rowsOf(20_050))))
    expect(counts).toHaveLength(201)
    expect(counts.at(-1)).toBe(50)
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    expect(await read(copyOut(copy(rowsOf(0))))).toEqual([])
    expect(await read(copyOut(copy(rowsOf(100))))).toEqual([100])
  })

  test('notices between rows reach the client', async () => {
    await client.query(
      `CREATE FUNCTION told(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'row %', i; RETURN i; END $$`,
    )
    const notices: unknown[] = []
    client.on('notice', ({ message }) => notices.push(message))
    await read(copyOut(copy(`SELECT told(id), text FROM (${rowsOf(2000)}) AS x`)))
    expect(notices).toHaveLength(2000)
    expect(notices.at(-1)).toBe('row 2000')
  })

  test('an error behind some rows is thrown, and the client goes on', async () => {
    const out = copyOut(copy(`SELECT id, (1 / (5000 - id))::text FROM (${rowsOf(9000)}) AS x`))
    let count = 0
    const all = async () => {
      for await (const rows of client.query(out)) count += rows.starts.length
    }
    await expect(all()).rejects.toMatchObject({ code: '22012' })
    expect(count).toBeGreaterThan(0)
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await expect(read(copyOut('COPY nowhere TO STDOUT (FORMAT binary)'))).rejects.toMatchObject({ code: '42P01' })
    await expect(read(copyOut(copy('SELECT 1')))).rejects.toMatchObject({ code: 'SOURCE_INVALID' })
    expect(await read(copyOut(copy(rowsOf(100))))).toEqual([100])
  })

  test('a connection that is lost is said', async () => {
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
    const out = client.query(copyOut(copy(rowsOf(1_000_000))))
    const all = async () => {
      for await (const _ of out) await database.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
    }
    await expect(all()).rejects.toThrow(/terminat/)
    await out.finished
  })

  test('nothing is read ahead while nobody takes pages, and the rest can be given up', async () => {
    const { rows: pids } = await client.query('SELECT pg_backend_pid() AS pid')
    const framer = new CopyFramer({ columns: 2, records: 100, bytes: 1 << 20, where: 'table "t"' })
    const out = client.query(new CopyOut(copy(rowsOf(1_000_000)), framer))
    for await (const _ of out) {
      // Until the server waits for us it has sent what the network's buffers hold.
      for (let isWaiting = false; !isWaiting; ) {
        const found = await database.query(`SELECT wait_event FROM pg_stat_activity WHERE pid = $1`, [pids[0].pid])
        isWaiting = found[0]?.wait_event === 'ClientWrite'
      }
      expect(framer.waiting).toBeLessThan(5)
      break
    }
    await database.query('SELECT pg_cancel_backend($1)', [pids[0].pid])
    await out.finished
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })
})
