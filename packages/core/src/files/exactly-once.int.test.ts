import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExactSession } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { ndjsonSink } from './ndjson-sink.js'
import { batchOf, drive, driveDefaults, operation, runOnce, startOf, whole } from './testing/drive.js'
import { KillSwitch } from './testing/kill-switch.js'
import { ndjsonIn, rows, type Scenario, scenarios } from './testing/scenarios.js'
import { memoryFolder, tempFolder } from './testing/temp-folder.js'

// Thousands of attempts, each of which waits for the disk a dozen times.
vi.setConfig({ testTimeout: 120_000 })

let killSwitch: KillSwitch
beforeAll(async () => {
  killSwitch = await KillSwitch.install()
})
afterAll(() => killSwitch.remove())

/** Empty folders, or copies of the one that the first attempt of the scenario finds. */
async function foldersOf({ before }: Scenario): Promise<() => string> {
  killSwitch.arm()
  if (before === undefined) return memoryFolder
  const prepared = memoryFolder()
  await before(prepared)
  return () => {
    const folder = memoryFolder()
    cpSync(prepared, folder, { recursive: true, preserveTimestamps: true })
    return folder
  }
}

/** An attempt that may die; gives whether it came to its end. */
async function attempt({ sink, drives = [{}] }: Scenario, folder: string, fence: number): Promise<boolean> {
  let session: ExactSession | undefined
  try {
    session = await sink(folder).connect(operation)
    for (const settings of drives) await drive(session, rows, { ...settings, fence })
    await session.finish?.('completed', operation)
  } catch (error) {
    if (!killSwitch.killed) throw error
  } finally {
    await session?.[Symbol.asyncDispose]()
  }
  return !killSwitch.killed
}

describe.each(scenarios)('$name', (scenario) => {
  test('is exact, whichever step it was killed at, twice in a row', async () => {
    let completed = false
    let kills = 0
    const newFolder = await foldersOf(scenario)
    for (let killAt = 1; !completed; killAt++) {
      const folder = newFolder()
      killSwitch.arm(killAt)
      completed = await attempt(scenario, folder, 1)
      if (!completed) {
        kills++
        killSwitch.arm()
        const seen = scenario.read(folder)
        expect(scenario.meanwhile(seen) || seen.length === scenario.expected.length, `after a kill at ${killAt}`).toBe(
          true,
        )
        killSwitch.arm(1 + ((killAt * 7) % 40))
        await attempt(scenario, folder, 2)
      }
      killSwitch.arm()
      await attempt(scenario, folder, 3)
      expect(scenario.read(folder), `after a kill at ${killAt}`).toEqual(scenario.expected)
      const left = readdirSync(folder, { recursive: true }).filter((name) => /part$|assembling$/.test(String(name)))
      expect(left, `after a kill at ${killAt}`).toEqual([])
      rmSync(folder, { recursive: true })
    }
    expect(kills).toBeGreaterThan(20)
  })
})

/** A sleeper takes each so many-th step; another one in each scenario, so that all of them together meet every kind of step. */
const stride = Number(process.env.DROVER_STRIDE ?? 4)

describe.each(scenarios.map((scenario, i) => ({ ...scenario, first: 1 + (i % stride) })))(
  '$name, a writer that sleeps',
  (scenario) => {
    /** The first writer sleeps before a step, while another one does all the work; then it goes on. */
    async function takenOver(
      take: (folder: string) => Promise<void>,
      expected: readonly Row[],
      first: number,
    ): Promise<void> {
      let sleeps = true
      let fenced = 0
      const newFolder = await foldersOf(scenario)
      for (let step = first; sleeps; step += stride) {
        const folder = newFolder()
        killSwitch.arm()
        sleeps = false
        const drives = (scenario.drives ?? [{}]).map((settings) => ({ ...driveDefaults, ...settings }))
        const session = await scenario.sink(folder).connect(operation)
        for (const { run, partition } of drives) await session.claim({ run, partition, fence: 1 }, operation)
        killSwitch.sleepAt(step, async () => {
          sleeps = true
          await take(folder)
        })
        try {
          for (const settings of drives) await drive(session, rows, settings)
          await session.finish?.('completed', operation)
        } catch (error) {
          expect(error, `after a sleep at ${step}`).toMatchObject({ code: 'FENCED' })
          fenced++
        }
        await session[Symbol.asyncDispose]()
        killSwitch.arm()
        if (sleeps) expect(scenario.read(folder), `after a sleep at ${step}`).toEqual(expected)
        rmSync(folder, { recursive: true })
      }
      expect(fenced).toBeGreaterThan(3)
    }

    test('changes nothing after another one has completed the run', async () => {
      await takenOver(
        async (folder) => {
          await attempt(scenario, folder, 2)
        },
        scenario.expected,
        scenario.first,
      )
    })

    test('changes nothing after a later run has completed', async () => {
      const later = [{ id: 'later' }]
      await takenOver(
        (folder) => runOnce(scenario.sink(folder), later, { run: 'run-2' }),
        later,
        stride + 1 - scenario.first,
      )
    })
  },
)

describe('a writer that was taken over', () => {
  test('cannot commit, nor claim again, and finds the output finished', async () => {
    killSwitch.arm()
    const folder = tempFolder()
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    await using zombie = await sink.connect(operation)
    const start = startOf(await zombie.claim({ run: 'run-1', partition: whole, fence: 1 }, operation), driveDefaults)
    let position = start
    const write = (session: ExactSession, from: number, to: number, at = position) =>
      session.write(
        batchOf({ ...at, cursor: from }, rows.slice(from, to), {
          done: to === rows.length,
          onCommit: (commit) => (position = commit),
        }),
        { ...operation, mode: 'commit' },
      )
    await write(zombie, 0, 3)
    const lost = position
    await runOnce(sink, rows, { fence: 2 })
    await expect(write(zombie, 3, 8, lost)).rejects.toMatchObject({ code: 'FENCED' })
    await zombie.finish?.('completed', operation)
    await expect(zombie.claim({ run: 'run-1', partition: whole, fence: 1 }, operation)).rejects.toMatchObject({
      code: 'FENCED',
    })
    expect(ndjsonIn(folder)).toEqual(rows)
  })

  test('cannot commit between batches of the one that took over, wherever both stand', async () => {
    killSwitch.arm()
    for (let taken = 0; taken < 3; taken++) {
      const folder = tempFolder()
      const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
      await using zombie = await sink.connect(operation)
      await using owner = await sink.connect(operation)
      // The zombie sleeps inside its batch, its rows on their way; the owner claims, and commits some.
      let commits = 0
      const sleep = () => {
        if (commits++ === taken) throw new Error('asleep')
      }
      await expect(drive(zombie, rows, { fence: 1, onCommit: sleep })).rejects.toThrow('asleep')
      const claimed = await owner.claim({ run: 'run-1', partition: whole, fence: 2 }, operation)
      expect(claimed?.sequence ?? 0).toBe(taken)
      const position = startOf(claimed, { ...driveDefaults, fence: 1 })
      const start = position.cursor as number
      const late = batchOf({ ...position, fence: 1 }, rows.slice(start, start + 3), { done: false })
      await expect(zombie.write(late, { ...operation, mode: 'commit' })).rejects.toMatchObject({ code: 'FENCED' })
      await drive(owner, rows, { fence: 2 })
      await owner.finish?.('completed', operation)
      expect(ndjsonIn(folder)).toEqual(rows)
    }
  })

  test('cannot put its output in the place of a later run', async () => {
    killSwitch.arm()
    const folder = tempFolder()
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    await using zombie = await sink.connect(operation)
    await drive(zombie, rows, { fence: 5 })
    await runOnce(sink, rows.slice(0, 2), { run: 'run-2', fence: 1 })
    await expect(zombie.finish?.('completed', operation)).rejects.toMatchObject({ code: 'FENCED' })
    await expect(runOnce(sink, rows, { fence: 6 })).rejects.toMatchObject({ code: 'FENCED' })
    expect(ndjsonIn(folder)).toEqual(rows.slice(0, 2))
  })

  test('may go on writing into its part: it never becomes the output', async () => {
    killSwitch.arm()
    const folder = tempFolder()
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    await using zombie = await sink.connect(operation)
    const stop = ({ sequence }: { sequence: number }) => {
      if (sequence === 3) throw new Error('asleep')
    }
    await expect(drive(zombie, rows, { onCommit: stop })).rejects.toThrow('asleep')
    await using owner = await sink.connect(operation)
    await drive(owner, rows, { fence: 2 })
    const [name] = readdirSync(`${folder}/.drover/files/out%2endjson/all`).filter((file) => file.startsWith('1-'))
    writeFileSync(`${folder}/.drover/files/out%2endjson/all/${name}`, 'what a zombie writes', { flag: 'a' })
    await owner.finish?.('completed', operation)
    expect(ndjsonIn(folder)).toEqual(rows)
  })

  test('left all there is: who took over had only empty batches', async () => {
    killSwitch.arm()
    const folder = tempFolder()
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    const stop = ({ done }: { done: boolean }) => {
      if (done) throw new Error('stopped')
    }
    await using first = await sink.connect(operation)
    await expect(drive(first, [...rows, { id: 9 }], { batchSize: 8, onCommit: stop })).rejects.toThrow('stopped')
    await using second = await sink.connect(operation)
    await drive(second, rows, { fence: 2 })
    await second.finish?.('completed', operation)
    expect(ndjsonIn(folder)).toEqual(rows)
  })
})

describe('a manifest that a crash tore', () => {
  test.each(['', '{"version":1,"run":"run-1"', '\0\0\0\0'])('of %j is passed over', async (torn) => {
    killSwitch.arm()
    const folder = tempFolder()
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    {
      await using session = await sink.connect(operation)
      const stop = ({ sequence }: { sequence: number }) => {
        if (sequence === 3) throw new Error('stopped')
      }
      await expect(drive(session, rows, { onCommit: stop })).rejects.toThrow('stopped')
    }
    const staging = `${folder}/.drover/files/out%2endjson/all`
    const numbers = readdirSync(staging)
      .filter((name) => name.endsWith('.json'))
      .map((name) => Number.parseInt(name, 10))
    writeFileSync(`${staging}/${Math.max(...numbers) + 1}.json`, torn)
    await using session = await sink.connect(operation)
    expect(await session.claim({ run: 'run-1', partition: whole, fence: 2 }, operation)).toMatchObject({ sequence: 2 })
    await drive(session, rows, { fence: 3 })
    await session.finish?.('completed', operation)
    expect(ndjsonIn(folder)).toEqual(rows)
  })
})
