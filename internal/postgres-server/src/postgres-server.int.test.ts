import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createDatabase } from './database.js'
import { findBinaries } from './find-binaries.js'
import { startPostgres } from './postgres-server.js'
import { describeOwnServer, describePostgres, serverUrl, useDatabase } from './vitest.js'

async function ask(connectionString: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString })
  // A server that goes away tells its clients.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0]
  } finally {
    await client.end()
  }
}

describePostgres('the server of the test run', () => {
  const database = useDatabase()

  it('gives each file a database of its own', async () => {
    await database.query('CREATE TABLE t (v int)')
    await database.query('INSERT INTO t VALUES ($1)', [7])
    expect(await database.query('SELECT v FROM t')).toEqual([{ v: 7 }])
    await using other = await createDatabase(serverUrl())
    expect(await other.query(`SELECT to_regclass('t') AS t`)).toEqual([{ t: null }])
  })

  it('drops a database though somebody is connected to it', async () => {
    const other = await createDatabase(serverUrl())
    const client = new pg.Client({ connectionString: other.url })
    const gone = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    await other[Symbol.asyncDispose]()
    expect(await gone).toMatchObject({ code: '57P01' })
    const names = await database.query('SELECT datname FROM pg_database WHERE datname = $1', [other.name])
    expect(names).toEqual([])
  })
})

const choices = (['system', 'embedded'] as const).filter((choice) => findBinaries(choice) !== null)

describeOwnServer('a server of one test', () => {
  it.each(choices)('runs from the %s programs, asks for its password and leaves nothing', async (choice) => {
    const before = process.env.DROVER_POSTGRES
    process.env.DROVER_POSTGRES = choice
    const server = await startPostgres({ settings: { work_mem: '5MB' } })
    process.env.DROVER_POSTGRES = before ?? ''
    expect(await ask(server.url, 'SHOW work_mem')).toBe('5MB')
    const folder = String(await ask(server.url, 'SHOW data_directory'))
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    await server[Symbol.asyncDispose]()
    expect(existsSync(folder)).toBe(false)
    await expect(ask(server.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('comes back with its data, on the same port', async () => {
    await using server = await startPostgres()
    await ask(server.url, 'CREATE TABLE t AS SELECT 5 AS v')
    for (const end of ['stop', 'crash'] as const) {
      await server[end]()
      await expect(ask(server.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await server.start()
      expect(await ask(server.url, 'SELECT v FROM t')).toBe(5)
    }
  })

  it('ends with a process that was killed', async () => {
    const script = `
      import { startPostgres } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      console.log((await startPostgres()).url)
      setInterval(() => {}, 1000)`
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const url = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
    const folder = String(await ask(url, 'SHOW data_directory'))
    const client = new pg.Client({ connectionString: url })
    const told = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    child.kill('SIGKILL')
    expect(await told).toMatchObject({ code: '57P01' })
    await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false)
    expect(readdirSync(tmpdir()).filter((name) => folder.includes(name) && name.startsWith('drover'))).toEqual([])
  })
})
