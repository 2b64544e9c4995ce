import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySource, type Row, runPipeline } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { failure } from '../testing/test-lane.js'
import { postgresSink } from './postgres-sink.js'

/** A disk of so many megabytes; null where this user may not mount one. */
function smallDisk(megabytes: number): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'drover-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    process.stderr.write('Skipped: a disk that is full, which only root can make.\n')
    return null
  }
}

const disk = smallDisk(4)

describeOwnServer('a disk that is full', () => {
  let server: PostgresServer
  let client: pg.Client
  beforeAll(async () => {
    server = await startPostgres()
    client = new pg.Client({ connectionString: server.url })
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await server[Symbol.asyncDispose]()
    if (disk === null) return
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })

  it.skipIf(disk === null)('is STORE_FULL, at once and with what helps; with more space the run goes on', async () => {
    // It is to be the server's own.
    const data = String((await client.query('SHOW data_directory')).rows[0]?.data_directory)
    const { uid, gid } = statSync(data)
    chownSync(disk as string, uid, gid)
    await client.query(`CREATE TABLESPACE small LOCATION '${disk}'`)
    await client.query('CREATE TABLE t (id int PRIMARY KEY, a text) TABLESPACE small')
    const records = Array.from({ length: 20_000 }, (_, i): Row => ({ id: i + 1, a: `of ${i + 1}`.padEnd(400) }))
    const run = () =>
      runPipeline({
        name: 'a',
        source: memorySource({ records, key: 'id' }),
        sink: postgresSink({ connection: server.url, table: 't' }),
        batchSize: 2_000,
      })
    const count = async (): Promise<unknown> => (await client.query('SELECT count(*)::int AS n FROM t')).rows[0]
    const error = await failure(run())
    expect(error).toMatchObject({ code: 'STORE_FULL', isRetryable: false })
    expect(error.message).toMatch(
      /writing to table "t" of .*No space left on device.*Make space on the disk of the server/,
    )
    const { n } = (await count()) as { readonly n: number }
    expect([n % 2_000, n > 0, n < 20_000]).toEqual([0, true, true])
    execFileSync('mount', ['-o', 'remount,size=64m', disk as string])
    const report = await run()
    expect(report).toMatchObject({
      status: 'completed',
      counts: { read: 20_000, inserted: 20_000 },
      attempt: { resumed: true },
    })
    expect(await count()).toEqual({ n: 20_000 })
    await client.query('DROP TABLE t')
    await client.query('DROP TABLESPACE small')
  })
})
