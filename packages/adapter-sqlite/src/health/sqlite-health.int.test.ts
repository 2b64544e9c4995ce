import { type HealthSignal, memorySink, memorySource, type Row, startPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LockHolder } from '../testing/lock-holder.js'
import { TestDatabase } from '../testing/test-database.js'
import { sqliteHealth } from './sqlite-health.js'

const operation = { signal: new AbortController().signal }

describe.each(['better-sqlite3', 'sqlite3'] as const)('the health of a database, through %s', (driver) => {
  let database: TestDatabase
  let signal: HealthSignal
  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY)')
    signal = sqliteHealth({ filename: database.file, driver, busyMs: 40 })
  })
  afterEach(async () => {
    await signal.close?.()
    await database[Symbol.asyncDispose]()
  })

  it('is how long somebody who wants to write has to wait', async () => {
    const free = await signal.check(operation)
    expect(free.load).toBeLessThan(2)
    const holder = await LockHolder.of(database.file)
    const begun = performance.now()
    const busy = await signal.check(operation)
    expect(busy).toEqual({ load: 2, reason: 'a writer waits more than 80 ms of 40 ms' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(75)
    await holder.release()
    expect((await signal.check(operation)).reason).toMatch(/^a writer waits \d+ ms of 40 ms$/)
  })

  it('does not block the event loop while it waits, nor keep the lock', async () => {
    await using holder = await LockHolder.of(database.file)
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    await signal.check(operation)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(4)
    await holder.release()
    await signal.check(operation)
    await database.exec('INSERT INTO t VALUES (1)')
  })

  it('holds a run back while another process keeps the lock', async () => {
    const holder = await LockHolder.of(database.file)
    const rows: Row[] = Array.from({ length: 50 }, (_, i) => ({ id: i + 1 }))
    const live = startPipeline({
      name: 'x',
      source: memorySource<Row>({ records: rows, key: 'id' }),
      sink: memorySink<Row>(),
      signals: [{ ...signal, everyMs: 20 }],
    })
    const reason = await new Promise((resolve) =>
      live.events.on('run:throttled', ({ throttle }) => resolve(throttle?.reason)),
    )
    expect(reason).toBe('a writer waits more than 80 ms of 40 ms')
    expect(live.status()?.counts.read).toBe(0)
    await holder.release()
    expect(await live.result).toMatchObject({ status: 'completed', counts: { written: 50 }, warnings: [] })
  })
})

describe('a database', () => {
  it('that is not there yet is no reason to wait, and is not made', async () => {
    const signal = sqliteHealth({ filename: 'no/such/folder/file.db' })
    expect(await signal.check(operation)).toEqual({ load: 0, reason: 'there is no database yet' })
    await signal.close?.()
  })

  it.each([
    [{}, /filename/],
    [{ filename: 'x.db', busyMs: 0 }, /busyMs is a whole number of at least 1/],
    [{ filename: 'x.db', busyTimeoutMs: 5 }, /there is no option "busyTimeoutMs"/],
  ])('is refused with options that make no sense', (options, message) => {
    expect(() => sqliteHealth(options as never)).toThrow(message)
  })
})
