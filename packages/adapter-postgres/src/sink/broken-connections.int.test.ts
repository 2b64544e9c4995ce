import { from, memorySource, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failure, TestLane } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { transactionPooler } from '../testing/transaction-pooler.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('a connection that does not last', () => {
  const database = useDatabase()
  const rows: Row[] = Array.from({ length: 4_000 }, (_, i) => ({ id: i + 1, a: `of ${i + 1}`.padEnd(200) }))
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`SET search_path = ${place.name}; CREATE TABLE t (id int PRIMARY KEY, a text)`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const sink = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({
      connection: database.url,
      table: `${place.name}.t`,
      stateSchema: place.name,
      applicationName: place.name,
      ...options,
    })
  const count = async (): Promise<number> => Number((await database.query('SELECT count(*) FROM t'))[0]?.count)

  /** Waits for what a statement of the tests' own connection says. */
  async function until(condition: string): Promise<void> {
    for (;;) {
      const [found] = await database.query(
        `SELECT ${condition} AS holds FROM pg_stat_activity WHERE application_name = $1`,
        [place.name],
      )
      if (found?.holds === true) return
    }
  }
  const copies = `count(*) FILTER (WHERE query LIKE 'COPY%' AND state = 'active')`
  const endCopies = (): Promise<unknown> =>
    database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'COPY%'`,
      [place.name],
    )

  it('because somebody ended it during COPY leaves nothing, and the batch is written again', async () => {
    await using lane = await TestLane.open(sink())
    const error = await failure(
      lane.write(rows, 500, async (page) => {
        if (page === 3) await endCopies()
      }),
    )
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    expect(error.message).toContain(`writing to table "${place.name}.t"`)
    expect(await count()).toBe(0)
    expect(await lane.write(rows)).toEqual({ inserted: 4_000, updated: 0, skipped: 0 })
    expect(await count()).toBe(4_000)
  })

  it.each(['error', 'update'] as const)(
    'is overcome by a run, with every record there once (onConflict: %s)',
    async (onConflict) => {
      let isEnded = false
      const disturb = async (row: Row): Promise<Row> => {
        isEnded = true
        await until(`${copies} = 1`)
        await endCopies()
        return row
      }
      const report = await runPipeline({
        name: 'a',
        source: from(memorySource<Row>({ records: rows, key: ['id'] })).pipe((row) =>
          row.id === 3_500 && !isEnded ? disturb(row) : row,
        ),
        sink: sink({ onConflict }),
      })
      expect(report.attempt.retries).toBeGreaterThan(0)
      expect(report.counts).toMatchObject({ read: 4_000, written: 4_000, inserted: 4_000 })
      expect(await count()).toBe(4_000)
    },
  )

  it('because COPY took longer than statement_timeout is STORE_BUSY, to be tried again', async () => {
    await using lane = await TestLane.open(sink({ statementTimeoutMs: 200 }))
    const work = lane.write(rows, 500, async (page) => {
      // The server looks at the clock when the next data comes.
      if (page === 3) await until(`bool_or(query LIKE 'COPY%' AND clock_timestamp() - query_start > interval '300 ms')`)
    })
    expect(await failure(work)).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    expect(await count()).toBe(0)
    await lane.write(rows)
    expect(await count()).toBe(4_000)
  })

  it('because its holder sleeps is ended by whoever took over, who need not wait for its rows; the sleeper is FENCED', async () => {
    await using sleeper = await TestLane.open(sink())
    let wake = (): void => {}
    const awake = new Promise<void>((resolve) => {
      wake = resolve
    })
    const slept = failure(
      sleeper.write(rows, 1_000, async (page) => {
        if (page === 3) await awake
      }),
    )
    await until(`${copies} = 1`)
    await using heir = await TestLane.open(sink(), { fence: 2 })
    expect(await heir.write(rows)).toEqual({ inserted: 4_000, updated: 0, skipped: 0 })
    wake()
    expect(await slept).toMatchObject({ code: 'FENCED' })
    expect(await count()).toBe(4_000)
  })

  it('though somebody took over leaves nothing either, if it lasts', async () => {
    await using lane = await TestLane.open(sink())
    await lane.write(rows.slice(0, 1_000))
    const overtake = (page: number): Promise<unknown> =>
      page === 2 ? database.query('UPDATE drover_partitions SET fence = 9') : Promise.resolve()
    const work = lane.write(rows.slice(1_000), 1_000, async (page) => void (await overtake(page)))
    const error = await failure(work)
    expect(error).toMatchObject({ code: 'FENCED', isRetryable: false })
    expect(error.message).toContain('its fence is 9, this process has 1')
    expect(await count()).toBe(1_000)
  })

  it('because the server came back without a batch that it had committed says so, and goes on behind the one that is there', async () => {
    await using lane = await TestLane.open(sink())
    await lane.write(rows.slice(0, 1_000))
    const [before] = await database.query('SELECT * FROM drover_partitions')
    await lane.write(rows.slice(1_000, 2_000))
    // As a replica has it that was behind.
    await database.query('DELETE FROM t WHERE id > 1000')
    await database.query(`UPDATE drover_partitions SET sequence = ${before?.sequence}, cursor = '${before?.cursor}'`)
    const error = await failure(lane.write(rows.slice(2_000)))
    expect(error).toMatchObject({ code: 'FENCED', isRetryable: false })
    expect(error.message).toMatch(/has lost batches .* its last one is 1, and 2 was acknowledged.*call again/)
    expect(await count()).toBe(1_000)
  })

  it('because the work was given up is free again at once', async () => {
    await using lane = await TestLane.open(sink())
    const controller = new AbortController()
    const pages = [rows.slice(0, 2_000), rows.slice(2_000)].map((part, i) => ({
      count: part.length,
      bytes: 1,
      cursor: i,
      rows: () => part,
      keys: () => [],
      slice: () => {
        throw new Error('not asked for')
      },
    }))
    const given = lane.writePages(
      pages,
      async (page) => {
        if (page === 0) return
        controller.abort()
        controller.signal.throwIfAborted()
      },
      { signal: controller.signal },
    )
    await expect(given).rejects.toThrow()
    await until(`${copies} = 0`)
    expect(await count()).toBe(0)
    await lane.write(rows)
  })

  it('because a pooler lends one for each transaction is as good as one that lasts', async () => {
    await using pooler = transactionPooler(database.url)
    for (const onConflict of ['error', 'update'] as const) {
      await using lane = await TestLane.open(sink({ connection: pooler, onConflict }), { run: onConflict })
      const outcome = onConflict === 'error' ? { inserted: 4_000, updated: 0 } : { inserted: 0, updated: 4_000 }
      expect(await lane.write(rows, 500)).toMatchObject(outcome)
      expect(await failure(lane.write([{ id: 'x' }]))).toMatchObject({ code: 'RECORD_REFUSED' })
    }
    expect(await count()).toBe(4_000)
  })
})
