import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'

interface Said {
  readonly place?: string
  readonly warn?: string
  readonly error?: string
  readonly finished?: boolean
  readonly tasks?: readonly { name: string; status: string; worked: boolean; counts?: Record<string, number> }[]
}

/** An instance of an application, and what it says. */
class Instance {
  readonly said: Said[] = []
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly process: ChildProcess
  complained = ''

  constructor(parameters: readonly string[], onSaid: (by: Instance, what: Said) => void) {
    const child = join(import.meta.dirname, '..', 'testing', 'startup.child.ts')
    const strict = ['--unhandled-rejections=strict', '--conditions=@drover/source', '--import', 'tsx']
    const started = spawn(process.execPath, [...strict, child, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
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

describePostgres('six instances that start together', () => {
  const database = useDatabase()
  let folder: string
  const instances: Instance[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-startup-'))
    await database.query(`
      CREATE TABLE messages (id int PRIMARY KEY, content text);
      INSERT INTO messages SELECT i, 'message ' || i FROM generate_series(1, 20000) AS i;
      CREATE TABLE copies (id int PRIMARY KEY, content text, tokens int);
      CREATE TABLE tries (id int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO tries VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TRIGGER notes AFTER UPDATE ON copies FOR EACH ROW EXECUTE FUNCTION note()`)
  })

  afterEach(async () => {
    for (const { process: child } of instances) child.kill('SIGKILL')
    await Promise.all(instances.map(({ ended }) => ended))
    await rm(folder, { recursive: true })
  })

  /** Wakes a sleeper once somebody has gone on behind the place where it fell asleep. */
  async function wakeLate(sleeper: Instance, where: string): Promise<void> {
    while ((await database.query(`SELECT FROM copies WHERE ${where} LIMIT 1`)).length === 0) await wait(50)
    sleeper.process.kill('SIGCONT')
  }

  it('do the work once, though one is killed, and two sleep past their leases with rows locked and wake up again', {
    timeout: 120_000,
  }, async () => {
    const places = new Map<string, Instance>()
    const woken: Promise<void>[] = []
    const onSaid = (by: Instance, { place }: Said): void => {
      if (place === undefined) return
      places.set(place, by)
      if (place === 'copy-stopped') woken.push(wakeLate(by, 'id > 8500'))
      if (place === 'tokens-stopped') woken.push(wakeLate(by, 'id > 6500 AND tokens IS NOT NULL'))
    }
    instances.push(...Array.from({ length: 6 }, () => new Instance([folder, database.url], onSaid)))
    const ends = await Promise.all(instances.map(({ ended }) => ended))
    await Promise.all(woken)
    const told = JSON.stringify(instances.map(({ said, complained }) => ({ said, complained })))

    expect([...places.keys()].sort(), told).toEqual(['copy-killed', 'copy-stopped', 'tokens-stopped'])
    const killed = places.get('copy-killed')
    const survivors = instances.filter((one) => one !== killed)
    expect(
      instances.map((one, i) => ends[i] === (one === killed ? 'SIGKILL' : 0)),
      told,
    ).toEqual(instances.map(() => true))
    for (const { said } of survivors) {
      const last = said.find(({ finished }) => finished !== undefined)
      expect(last, told).toMatchObject({ finished: true, tasks: [{ name: 'copy' }, { name: 'tokens' }] })
      for (const task of last?.tasks ?? []) expect(task.counts, told).toMatchObject({ read: 20_000, written: 20_000 })
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
    expect(
      await database.query(`
        SELECT count(*)::int AS rows, count(*) FILTER (WHERE tokens = length(content))::int AS correct,
          (SELECT count(*)::int FROM tries) AS tries, (SELECT count(DISTINCT id)::int FROM tries) AS tried FROM copies`),
    ).toEqual([{ rows: 20_000, correct: 20_000, tries: 20_000, tried: 20_000 }])
  })
})
