import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonical } from '@drover/conformance'
import type { ExactSession, ExactSink, RecordSchema, Row } from '@drover/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Drive, drive, driveDefaults, operation, whole } from '../../core/src/files/testing/drive.js'
import { KillSwitch } from '../../core/src/files/testing/kill-switch.js'
import { type DatasetManifest, type ParquetSinkOptions, parquetSink } from '../src/index.js'
import { filesBelow, recordsOfFile, recordsOfSet } from './support/sink-contents.js'

// Hundreds of attempts, each of which waits for the disk many times.
vi.setConfig({ testTimeout: 120_000 })

const schema: RecordSchema = {
  fields: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
    { name: 'text', type: { kind: 'text' }, nullable: true },
    { name: 'part', type: { kind: 'text' }, nullable: true },
  ],
  key: ['id'],
}
const parts = ['a', 'b/c', null]
const records = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({
    id: from + i,
    text: `Zeile ${from + i}`,
    part: parts[(from + i) % 3],
  }))
const rows = records(1, 9)
const two = [
  { id: 'a', bounds: null },
  { id: 'b', bounds: null },
]

/** An output, and how it comes about. */
interface Scenario {
  readonly name: string
  readonly path: string
  readonly options?: Partial<ParquetSinkOptions>
  /** What a run before this one wrote. */
  readonly before?: readonly Row[]
  readonly drives?: readonly Partial<Drive>[]
  readonly expected: readonly Row[]
}

const grouped = { rowGroupRows: 4 }
const parted = { partitionBy: ['part'], openFolders: 1, rowGroupRows: 2 }
const scenarios: readonly Scenario[] = [
  { name: 'a file', path: 'out.parquet', options: grouped, expected: rows },
  {
    name: 'a file of two partitions over an older one',
    path: 'out.parquet',
    before: records(50, 53),
    drives: two.map((partition) => ({ partition })),
    expected: [...rows, ...rows],
  },
  {
    name: 'a file, incremental',
    path: 'out.parquet',
    options: grouped,
    before: rows.slice(0, 3),
    drives: [{ from: 3, partition: { ...whole, start: 3 } }],
    expected: rows,
  },
  { name: 'a folder over an older one', path: 'out', options: grouped, before: records(50, 53), expected: rows },
  {
    name: 'folders in two partitions over older ones',
    path: 'out',
    options: parted,
    before: records(50, 54),
    drives: two.map((partition) => ({ partition })),
    expected: [...rows, ...rows],
  },
  {
    name: 'folders, incremental',
    path: 'out',
    options: parted,
    before: rows.slice(0, 3),
    drives: [{ from: 3, partition: { ...whole, start: 3 } }],
    expected: rows,
  },
]

let killSwitch: KillSwitch
beforeAll(async () => {
  killSwitch = await KillSwitch.install()
})
afterAll(() => killSwitch.remove())

function tempFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-parquet-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function sinkIn(folder: string, { path, options }: Scenario): ExactSink {
  return parquetSink({ outputPath: join(folder, path), ...options }) as ExactSink
}

async function open(sink: ExactSink): Promise<ExactSession> {
  const session = await sink.connect(operation)
  await session.prepare?.(schema, operation)
  return session
}

async function runOnce(sink: ExactSink, given: readonly Row[], options: Partial<Drive> = {}): Promise<void> {
  await using session = await open(sink)
  await drive(session, given, options)
  await session.finish?.('completed', operation)
}

/** A folder as it is before the first attempt; the same for all of a scenario. */
async function folderBefore(scenario: Scenario): Promise<string> {
  const folder = tempFolder()
  killSwitch.arm()
  if (scenario.before !== undefined)
    await runOnce(sinkIn(folder, scenario), scenario.before, { run: 'run-0', fence: 9 })
  return folder
}

/** An attempt that may die; gives whether it came to its end. */
async function attempt(scenario: Scenario, folder: string, fence: number): Promise<boolean> {
  let session: ExactSession | undefined
  try {
    session = await open(sinkIn(folder, scenario))
    for (const settings of scenario.drives ?? [{}]) await drive(session, rows, { ...settings, fence })
    await session.finish?.('completed', operation)
  } catch (error) {
    if (!killSwitch.killed) throw error
  } finally {
    await session?.[Symbol.asyncDispose]()
  }
  return !killSwitch.killed
}

async function seen(folder: string, { path, options }: Scenario): Promise<string[]> {
  killSwitch.arm()
  const at = join(folder, path)
  const found = path.endsWith('.parquet')
    ? existsSync(at)
      ? await recordsOfFile(at, schema.fields)
      : []
    : await recordsOfSet(at, schema.fields, options?.partitionBy)
  return found.map(canonical).sort()
}

const sorted = (given: readonly Row[]): string[] => given.map(canonical).sort()

/** Nothing is left of earlier runs and attempts, and every file that a reader of folders finds is whole. */
async function expectTidy(folder: string, { path }: Scenario, when: string): Promise<void> {
  const files = filesBelow(folder)
  for (const file of files.filter((name) => name.endsWith('.parquet')))
    await recordsOfFile(join(folder, file), schema.fields)
  const text = readFileSync(
    join(folder, path.endsWith('.parquet') ? `${path}.manifest.json` : `${path}/_manifest.json`),
  )
  const manifest = JSON.parse(text.toString()) as DatasetManifest
  const named = manifest.files.map((file) => (path.endsWith('.parquet') ? file.path : `${path}/${file.path}`))
  const found = files.filter((name) => name.endsWith('.parquet') && !name.includes('.drover'))
  expect(found, when).toEqual(named.sort())
  const left = filesBelow(join(folder, path.endsWith('.parquet') ? '.drover' : `${path}/.drover`))
  expect(
    left.filter((name) => /part$|assembling$/.test(name)),
    when,
  ).toEqual([])
}

/** Takes each so many-th step; another one in each scenario, so that all of them together meet every kind of step. */
const stride = 17

describe.each(scenarios.map((scenario, i) => ({ ...scenario, first: 1 + i })))('$name', (scenario) => {
  test('is exact, whichever step it was killed at, twice in a row', async () => {
    const prepared = await folderBefore(scenario)
    const before = sorted(scenario.before ?? [])
    const expected = sorted(scenario.expected)
    let completed = false
    let kills = 0
    for (let killAt = scenario.first; !completed; killAt += stride) {
      const folder = tempFolder()
      cpSync(prepared, folder, { recursive: true, preserveTimestamps: true })
      killSwitch.arm(killAt)
      completed = await attempt(scenario, folder, 1)
      const when = `after a kill at ${killAt}`
      if (!completed) {
        kills++
        expect([before, expected], when).toContainEqual(await seen(folder, scenario))
        killSwitch.arm(1 + ((killAt * 7) % 60))
        await attempt(scenario, folder, 2)
      }
      killSwitch.arm()
      await attempt(scenario, folder, 3)
      expect(await seen(folder, scenario), when).toEqual(expected)
      await expectTidy(folder, scenario, when)
      rmSync(folder, { recursive: true })
    }
    expect(kills).toBeGreaterThan(4)
  })

  test.each(['the same run', 'a later run'])(
    'is not changed by a writer that slept while %s completed',
    async (who) => {
      const prepared = await folderBefore(scenario)
      const isLater = who === 'a later run'
      const expected = sorted(isLater ? records(80, 82) : scenario.expected)
      let sleeps = true
      let fenced = 0
      for (let step = scenario.first; sleeps; step += stride) {
        const folder = tempFolder()
        cpSync(prepared, folder, { recursive: true, preserveTimestamps: true })
        killSwitch.arm()
        sleeps = false
        const session = await open(sinkIn(folder, scenario))
        const drives = (scenario.drives ?? [{}]).map((settings) => ({ ...driveDefaults, ...settings }))
        for (const { run, partition } of drives) await session.claim({ run, partition, fence: 1 }, operation)
        killSwitch.sleepAt(step, async () => {
          sleeps = true
          if (isLater) await runOnce(sinkIn(folder, scenario), records(80, 82), { run: 'run-2' })
          else await attempt(scenario, folder, 2)
        })
        const when = `after a sleep at ${step}`
        try {
          for (const settings of drives) await drive(session, rows, settings)
          await session.finish?.('completed', operation)
        } catch (error) {
          expect(error, when).toMatchObject({ code: 'FENCED' })
          fenced++
        }
        await session[Symbol.asyncDispose]()
        killSwitch.arm()
        if (sleeps) {
          expect(await seen(folder, scenario), when).toEqual(expected)
        }
        rmSync(folder, { recursive: true })
      }
      expect(fenced).toBeGreaterThan(2)
    },
  )
})

test.each(scenarios.filter(({ path }) => path === 'out'))(
  '$name: what a run left that never came to its end goes with the next one',
  async (scenario) => {
    const prepared = await folderBefore(scenario)
    const later = records(80, 84)
    let completed = false
    // What comes before that is nothing that a reader of folders could see.
    for (let killAt = 60; !completed; killAt += stride) {
      const folder = tempFolder()
      cpSync(prepared, folder, { recursive: true, preserveTimestamps: true })
      killSwitch.arm(killAt)
      completed = await attempt(scenario, folder, 1)
      killSwitch.arm()
      await runOnce(sinkIn(folder, scenario), later, { run: 'run-2' })
      const when = `after a kill at ${killAt}`
      expect(await seen(folder, scenario), when).toEqual(sorted(later))
      await expectTidy(folder, scenario, when)
      rmSync(folder, { recursive: true })
    }
  },
)

test('a run that goes on with other columns is refused, with their names; without a description it keeps those it had', async () => {
  killSwitch.arm()
  const folder = tempFolder()
  const sink = () => parquetSink({ outputPath: join(folder, 'out.parquet') }) as ExactSink
  const stop = ({ sequence }: { sequence: number }): void => {
    if (sequence === 2) throw new Error('stopped')
  }
  {
    await using session = await open(sink())
    await expect(drive(session, rows, { onCommit: stop })).rejects.toThrow('stopped')
  }
  const [id, , part] = schema.fields
  const others = [id, { name: 'text', type: { kind: 'bytes' }, nullable: true }, part] as RecordSchema['fields']
  {
    await using session = await sink().connect(operation)
    await session.prepare?.({ ...schema, fields: others }, operation)
    await expect(drive(session, rows, { fence: 2 })).rejects.toMatchObject({
      code: 'STATE_INVALID',
      message: expect.stringContaining('"text"'),
    })
  }
  await using session = await sink().connect(operation)
  await session.claim({ run: 'run-1', partition: whole, fence: 3 }, operation)
  // Found out by looking at records, of which some had no text.
  await session.prepare?.({ ...schema, fields: others }, operation)
  await drive(session, rows, { fence: 4 })
  await session.finish?.('completed', operation)
  expect(await recordsOfFile(join(folder, 'out.parquet'), schema.fields)).toEqual(rows)
})
