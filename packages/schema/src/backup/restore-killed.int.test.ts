import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BundledProgram } from '../migrator/testing/bundled-program.js'
import { backup } from './backup.js'
import { restore } from './restore.js'
import type { ReplaceStep } from './restore-sqlite.js'

let program: BundledProgram
let folder = ''
beforeAll(async () => {
  program = await BundledProgram.of(join(import.meta.dirname, 'restore.child.ts'))
  folder = mkdtempSync(join(tmpdir(), 'drover-killed-'))
})
afterAll(() => {
  program[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

function contents(file: string): unknown {
  const database = new Database(file)
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    return database.prepare('SELECT group_concat(id) FROM calls').pluck().get()
  } finally {
    database.close()
  }
}

const steps: readonly ReplaceStep[] = ['copy', 'verify', 'lock', 'keep', 'replace', 'release', 'end']

it('leaves the old database or the new one, wherever a restore is killed', async () => {
  const file = join(folder, 'calls.db')
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE calls (id INTEGER PRIMARY KEY); INSERT INTO calls VALUES (1), (2)')
  database.close()
  const { path } = await backup({ connection: file, folder: join(folder, 'backups') })
  const changing = new Database(file)
  changing.exec('INSERT INTO calls VALUES (3)')
  changing.pragma('wal_autocheckpoint = 0')
  changing.exec('INSERT INTO calls VALUES (4)')
  // As a process leaves it that was killed: the last row is in the log alone.
  for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, join(folder, `left.db${suffix}`))
  changing.close()
  const found: unknown[] = []
  for (const step of steps) {
    const place = join(folder, step)
    for (const suffix of ['', '-wal']) copyFileSync(join(folder, `left.db${suffix}`), `${place}${suffix}`)
    const { signal, stderr } = spawnSync(process.execPath, [program.path, place, path, step], { encoding: 'utf8' })
    expect([signal, stderr]).toEqual(['SIGKILL', ''])
    found.push(contents(place))
  }
  expect(found).toEqual([...Array(5).fill('1,2,3,4'), '1,2', '1,2'])
  // The next one takes what a killed one left.
  const place = join(folder, 'replace')
  expect(readdirSync(folder).some((name) => name.startsWith('replace.restoring-'))).toBe(true)
  await restore({ connection: place, folder, backup: path, force: true, keep: false })
  expect(readdirSync(folder).some((name) => name.startsWith('replace.restoring-'))).toBe(false)
  expect(contents(place)).toBe('1,2')
  expect(existsSync(`${place}-wal`)).toBe(false)
})
