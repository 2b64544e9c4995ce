import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backup } from './backup.js'
import { listBackups } from './list-backups.js'
import { restore } from './restore.js'
import { verifyBackup } from './verify-backup.js'

let folder = ''
let file = ''
let backups = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-backup-'))
  file = join(folder, 'agent_database.db')
  backups = join(folder, 'backups')
})
afterEach(() => rmSync(folder, { recursive: true }))

const script = `
CREATE TABLE planners (planner_id VARCHAR(32) PRIMARY KEY, metadata JSON);
CREATE TABLE workers (worker_id INTEGER PRIMARY KEY, planner_id VARCHAR(32) NOT NULL REFERENCES planners, result, score REAL, twice GENERATED ALWAYS AS (score * 2));
CREATE TABLE links (a TEXT, b INTEGER, note BLOB, PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE INDEX by_planner ON workers (planner_id);
CREATE VIEW busy AS SELECT * FROM workers WHERE score > 1;
CREATE TRIGGER noted AFTER DELETE ON workers BEGIN DELETE FROM links WHERE b = old.worker_id; END;
`

/** Rows that are in the write-ahead log alone, on a connection that stays open. */
function makeDatabase(rows = 300): Database.Database {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(script)
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.pragma('wal_autocheckpoint = 0')
  const planner = database.prepare('INSERT INTO planners VALUES (?, ?)')
  const worker = database.prepare('INSERT INTO workers (worker_id, planner_id, result, score) VALUES (?, ?, ?, ?)')
  const link = database.prepare('INSERT INTO links VALUES (?, ?, ?)')
  database.transaction(() => {
    for (let n = 0; n < rows; n++) {
      planner.run(`p${n}`, n % 3 === 0 ? 'null' : '{"timeout_seconds": 45}')
      worker.run(n, `p${n}`, [9007199254740993n, 'a\0b', Buffer.from([0, 255]), null, 0.1][n % 5], n / 3)
      link.run(`l${n}`, n, Buffer.alloc(n))
    }
  })()
  return database
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw error ?? new Error('It did not fail.')
  return { code: error.code, message: error.message }
}

function count(path: string): unknown {
  const database = new Database(path, { readonly: true })
  try {
    return database.prepare('SELECT count(*) FROM workers').pluck().get()
  } finally {
    database.close()
  }
}

describe.each(['better-sqlite3', 'sqlite3'] as const)('a backup of SQLite with %s', (driver) => {
  it('has every committed row, also those that the write-ahead log alone has', async () => {
    const writer = makeDatabase()
    writer.close()
    const connection = { filename: file, driver }
    const { path, manifest } = await backup({ connection, folder: backups })
    expect(path).toMatch(/agent_database_\d{8}_\d{6}\.db$/)
    expect(manifest).toMatchObject({ database: 'agent_database', dialect: 'sqlite', journalMode: 'wal', heads: [] })
    expect(manifest.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['planners', 300],
      ['workers', 300],
      ['links', 300],
    ])
    expect(manifest.tool).toContain(`online backup of SQLite`)
    expect(manifest.tool).toContain(driver)
    expect(count(path)).toBe(300)
    expect((await verifyBackup(path)).manifest).toEqual(manifest)
    expect(readdirSync(backups).sort()).toEqual([manifest.file, manifest.file.replace('.db', '.json')].sort())
    expect((await listBackups(backups)).map((each) => each.manifest.timestamp)).toEqual([manifest.timestamp])
  })
})

describe('a backup of SQLite', () => {
  it('is of one moment while others write, and has what is in the log of a database that is open', async () => {
    const writer = makeDatabase(4000)
    const insert = writer.prepare("INSERT INTO planners VALUES ('late' || ?, '')")
    let written = 0
    const timer = setInterval(() => insert.run(written++), 0)
    const { path, manifest } = await backup({ connection: file, folder: backups })
    clearInterval(timer)
    writer.close()
    const planners = manifest.tables.find(({ name }) => name === 'planners')?.rows ?? 0
    expect(written).toBeGreaterThan(0)
    expect(planners).toBeGreaterThanOrEqual(4000)
    expect(planners).toBeLessThan(4000 + written)
    expect(count(path)).toBe(4000)
  })

  it('sees each value: one bit makes another checksum', async () => {
    makeDatabase().close()
    const before = (await backup({ connection: file, folder: backups })).manifest.tables
    const database = new Database(file)
    for (const change of [
      'UPDATE workers SET result = 9007199254740992 WHERE worker_id = 0',
      `UPDATE workers SET result = 'a' || char(0) || 'c' WHERE worker_id = 1`,
      `UPDATE workers SET result = CAST(result AS TEXT) WHERE worker_id = 0`,
    ]) {
      database.exec(`BEGIN; ${change}`)
      database.exec('COMMIT')
      const after = (await backup({ connection: file, folder: backups })).manifest.tables
      expect(after.map((table, at) => table.sha256 === before[at]?.sha256)).toEqual([true, false, true])
    }
    database.close()
  })

  it('is refused when it was cut off, changed, or is something else', async () => {
    makeDatabase().close()
    const { path } = await backup({ connection: file, folder: backups })
    const bytes = new Database(path).serialize()
    truncateSync(path, bytes.length - 4096)
    expect(await failure(verifyBackup(path))).toMatchObject({ code: 'BACKUP_INVALID', message: /bytes instead of/ })
    const changed = Buffer.from(bytes)
    changed[bytes.length - 1] = (changed[bytes.length - 1] ?? 0) ^ 1
    writeFileSync(path, changed)
    expect(await failure(verifyBackup(path))).toMatchObject({ code: 'BACKUP_INVALID', message: /SHA-256/ })
    const foreign = join(folder, 'foreign.db')
    writeFileSync(foreign, bytes)
    expect(await failure(verifyBackup(foreign))).toMatchObject({ code: 'BACKUP_INVALID', message: /no manifest/ })
    expect(await failure(verifyBackup(join(folder, 'nowhere.db')))).toMatchObject({ code: 'BACKUP_UNKNOWN' })
    expect(await failure(backup({ connection: join(folder, 'nothing.db'), folder: backups }))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    })
    expect(existsSync(join(folder, 'nothing.db'))).toBe(false)
  })
})

describe('a restore of SQLite', () => {
  it('brings every row back, with no log of the old database, and keeps the old one', async () => {
    makeDatabase().close()
    const { manifest } = await backup({ connection: file, folder: backups })
    const bad = new Database(file)
    bad.exec('DROP VIEW busy; DELETE FROM workers WHERE worker_id > 9')
    bad.pragma('wal_checkpoint(TRUNCATE)')
    bad.pragma('wal_autocheckpoint = 0')
    bad.exec(`INSERT INTO planners VALUES ('bad', 'migration')`)
    // Not checkpointed, and the process died: the log stays.
    const log = readFileSync(`${file}-wal`)
    bad.close()
    writeFileSync(`${file}-wal`, log)
    const { kept, backup: restored } = await restore({ connection: file, folder: backups, backup: 'latest' })
    expect(restored.manifest.timestamp).toBe(manifest.timestamp)
    expect(readdirSync(folder).filter((name) => /-(?:wal|shm|journal)$/.test(name))).toEqual([])
    const now = new Database(file)
    expect(now.pragma('journal_mode', { simple: true })).toBe('wal')
    now.close()
    expect(count(file)).toBe(300)
    expect(kept).toMatch(/agent_database\.db\.before-restore-\d{8}_\d{6}$/)
    expect(count(kept ?? '')).toBe(10)
    expect(readdirSync(folder).filter((name) => /restoring/.test(name))).toEqual([])
    const again = await backup({ connection: file, folder: backups })
    expect(again.manifest.tables).toEqual(manifest.tables)
  })

  it('is refused while somebody else has the database open, and says who', async () => {
    const open = makeDatabase()
    await backup({ connection: file, folder: backups })
    const said = await failure(restore({ connection: file, folder: backups, backup: 'latest' }))
    expect(said).toMatchObject({ code: 'STORE_BUSY', message: expect.stringContaining('is in use') })
    if (process.platform === 'linux') expect(said.message).toContain('this process itself')
    expect(open.prepare('SELECT count(*) FROM workers').pluck().get()).toBe(300)
    expect(open.pragma('journal_mode', { simple: true })).toBe('wal')
    open.close()
    await restore({ connection: file, folder: backups, backup: 'latest', keep: false })
    expect(readdirSync(folder).sort()).toEqual(['agent_database.db', 'backups'])
  })

  it('takes a backup by its moment, and says what there is when there is none such', async () => {
    makeDatabase(10).close()
    const first = await backup({ connection: file, folder: backups })
    const second = await backup({ connection: file, folder: backups })
    expect(second.manifest.timestamp).not.toBe(first.manifest.timestamp)
    const asked = (text: string) => restore({ connection: file, folder: backups, backup: text, keep: false })
    expect((await asked(first.manifest.timestamp)).backup.path).toBe(first.path)
    expect((await asked('latest')).backup.path).toBe(second.path)
    expect((await asked(second.path)).backup.path).toBe(second.path)
    const { code, message } = await failure(asked('20200101_000000'))
    expect(code).toBe('BACKUP_UNKNOWN')
    expect(message).toContain(`${first.manifest.timestamp} of agent_database without revisions, 30 rows in 3 tables`)
    expect(await failure(restore({ connection: file, folder: join(folder, 'none'), backup: 'latest' }))).toMatchObject({
      code: 'BACKUP_UNKNOWN',
      message: /There are none/,
    })
  })

  it('refuses a backup of another database, and one that is damaged, before it touches anything', async () => {
    makeDatabase(10).close()
    const { path } = await backup({ connection: file, folder: backups })
    const other = join(folder, 'other.db')
    const database = new Database(other)
    database.exec('CREATE TABLE mine (id); INSERT INTO mine VALUES (1)')
    database.close()
    expect(await failure(restore({ connection: other, folder: backups, backup: path }))).toMatchObject({
      code: 'BACKUP_INVALID',
      message: /of another database/,
    })
    await restore({ connection: other, folder: backups, backup: path, force: true })
    expect(count(other)).toBe(10)
    // Where nothing is, nothing can be lost.
    await restore({ connection: join(folder, 'new.db'), folder: backups, backup: path })
    expect(count(join(folder, 'new.db'))).toBe(10)
    truncateSync(path, 4096)
    expect(await failure(restore({ connection: file, folder: backups, backup: 'latest' }))).toMatchObject({
      code: 'BACKUP_INVALID',
    })
    expect(count(file)).toBe(10)
  })

  it('replaces a database that SQLite cannot read any more, and keeps it as it lies there', async () => {
    makeDatabase(10).close()
    await backup({ connection: file, folder: backups })
    writeFileSync(file, 'this was a database once')
    writeFileSync(`${file}-wal`, 'and this its log')
    const { kept, notes } = await restore({ connection: file, folder: backups, backup: 'latest' })
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(count(file)).toBe(10)
    expect(notes).toEqual([expect.stringContaining('could not be read any more')])
    expect(readFileSync(kept ?? '', 'utf8')).toBe('this was a database once')
  })
})
