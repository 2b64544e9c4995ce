import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

interface Said {
  readonly place?: string
  readonly signal?: string
  readonly warn?: string
  readonly error?: string
  readonly finished?: boolean
  readonly tasks?: readonly { name: string; status: string; worked: boolean; counts?: Record<string, number> }[]
  readonly gate?: string
}

/** An instance of an application, and what it says. */
class Instance {
  readonly said: Said[] = []
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly process: ChildProcess
  complained = ''

  constructor(folder: string, onSaid: (by: Instance, what: Said) => void) {
    const child = join(import.meta.dirname, '..', 'testing', 'startup.child.ts')
    const strict = ['--unhandled-rejections=strict', '--conditions=@drover/source', '--import', 'tsx']
    const started = spawn(process.execPath, [...strict, child, folder], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = started
    createInterface(started.stdout).on('line', (line) => {
      const what = JSON.parse(line) as Said
      this.said.push(what)
      onSaid(this, what)
    })
    started.stderr.on('data', (chunk: Buffer) => {
      this.complained += chunk.toString()
    })
    this.ended = new Promise((resolve) => started.on('close', (code, signal) => resolve(signal ?? code)))
  }
}

describe('six instances that start together', () => {
  let folder: string
  const instances: Instance[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-startup-'))
    const source = new Database(join(folder, 'source.db'))
    source.exec(`
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT);
      WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO messages SELECT i, 'message ' || i FROM n;
    `)
    source.close()
    const target = new Database(join(folder, 'target.db'))
    target.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, tokens INTEGER);
    `)
    target.close()
  })

  afterEach(async () => {
    for (const { process: child } of instances) child.kill('SIGKILL')
    await Promise.all(instances.map(({ ended }) => ended))
    await rm(folder, { recursive: true })
  })

  /** Wakes a sleeper once somebody has gone on behind the place where it fell asleep. */
  async function wakeLate(sleeper: Instance, where: string): Promise<void> {
    const target = new Database(join(folder, 'target.db'), { readonly: true })
    const beyond = target.prepare(`SELECT 1 FROM messages WHERE ${where} LIMIT 1`)
    while (beyond.get() === undefined) await wait(20)
    target.close()
    sleeper.process.kill('SIGCONT')
  }

  it('do the work once, though one is killed, and two sleep past their leases and wake up again', {
    timeout: 120_000,
  }, async () => {
    const places = new Map<string, Instance>()
    const woken: Promise<void>[] = []
    const onSaid = (by: Instance, { place }: Said): void => {
      if (place === undefined) return
      places.set(place, by)
      if (place === 'copy-stopped') woken.push(wakeLate(by, 'id > 800'))
      if (place === 'tokens-stopped') woken.push(wakeLate(by, 'id > 600 AND tokens IS NOT NULL'))
    }
    instances.push(...Array.from({ length: 6 }, () => new Instance(folder, onSaid)))
    const ends = await Promise.all(instances.map(({ ended }) => ended))
    await Promise.all(woken)
    const told = JSON.stringify(instances.map(({ said, complained }) => ({ said, complained })))

    expect([...places.keys()].sort(), told).toEqual(['copy-killed', 'copy-stopped', 'tokens-stopped'])
    const killed = places.get('copy-killed')
    expect(
      instances
        .map((one, i) => [one === killed, ends[i]])
        .filter(([isKilled, end]) => end !== (isKilled ? 'SIGKILL' : 0)),
      told,
    ).toEqual([])

    const survivors = instances.filter((one) => one !== killed)
    for (const { said } of survivors) {
      const last = said.find(({ finished }) => finished !== undefined)
      expect(last, told).toMatchObject({ finished: true, tasks: [{ name: 'copy' }, { name: 'tokens' }] })
      expect(said.at(-1), told).toEqual({ gate: 'DEPENDENCY_UNFINISHED' })
      for (const task of last?.tasks ?? []) expect(task.counts, told).toMatchObject({ read: 2_000, written: 2_000 })
    }
    // Whoever slept did some of it, and who took over from it did the rest.
    for (const [at, name] of ['copy', 'tokens'].entries()) {
      const workers = survivors.filter(({ said }) => said.some(({ tasks }) => tasks?.[at]?.worked))
      expect(workers.length, told).toBe(2)
      const sleeper = places.get(`${name}-stopped`) as Instance
      expect(workers).toContain(sleeper)
      const warned = sleeper.said.flatMap(({ warn }) => warn ?? []).join()
      expect(warned, told).toMatch(
        new RegExp(`start-up: ${name}: this instance has lost it to another one, (FENCED|LEASE_LOST)`),
      )
    }

    const target = new Database(join(folder, 'target.db'), { readonly: true })
    const looked = target.prepare('SELECT count(*) AS rows, sum(tokens = length(content)) AS right FROM messages').get()
    target.close()
    expect(looked).toEqual({ rows: 2_000, right: 2_000 })
  })
})
