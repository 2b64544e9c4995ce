import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Commit, Partition, Position } from '../contracts/position.js'
import type { Lease, RunState, StateStore } from '../contracts/state-store.js'
import { directoryStateStore } from './directory-state-store.js'
import { PartitionFolder } from './partition-folder.js'

const operation = { signal: new AbortController().signal }
const partition: Partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 1, updated: 0, skipped: 0 }
const runPath = 'runs/copy/00000001'
const logPath = `${runPath}/partitions/all/00000001.1.ndjson`

let root: string
let directory: string
let now: number
const opened: StateStore[] = []

/** As a process that starts now would see what is on the disk. */
function store(): StateStore {
  const fresh = directoryStateStore({ directory, clock: () => now })
  opened.push(fresh)
  return fresh
}

beforeEach(async () => {
  root = await mkdtemp(`${tmpdir()}/drover-state-`)
  directory = `${root}/state`
  now = Date.UTC(2026, 0, 1)
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]()
  await rm(root, { recursive: true })
})

const newRun = (at = store()): Promise<RunState> =>
  at.open({ name: 'copy', fingerprint: null, partitions: [partition], follows: null }, operation)

async function lease(run: RunState, holder = 'a', at = store()): Promise<Lease> {
  const answer = await at.acquire({ run: run.run, partition, holder, ttlMs: 1000 }, operation)
  if ('heldBy' in answer) throw new Error(`held by ${answer.heldBy}`)
  return answer
}

const commitOf = ({ run, partition, fence }: Lease, sequence: number, cursor = `after ${sequence}`): Commit => {
  return { run, partition, fence, sequence, cursor, done: false, counts }
}

const positions = async (): Promise<readonly Position[] | undefined> =>
  (await store().load('copy', operation))?.positions
const tree = async (): Promise<string[]> => (await readdir(directory, { recursive: true })).sort()

test('another process finds everything', async () => {
  const run = await newRun()
  const held = await lease(run)
  await store().commit(commitOf(held, 1), operation)
  await store().commit(commitOf(held, 2), operation)
  await store().control(run.run, { state: 'pause' }, operation)
  expect(await positions()).toEqual([commitOf(held, 2)])
  expect(await store().heartbeat(held, { ...operation, ttlMs: 1 })).toEqual({ state: 'pause' })
  now += 2000
  expect((await lease(run, 'b')).position).toEqual({ ...commitOf(held, 2), fence: 2 })
})

test('all of it is for the owner alone, and out of git', async () => {
  const at = store()
  await at.setup?.(operation)
  const held = await lease(await newRun(at))
  await at.commit(commitOf(held, 1), operation)
  await at.control(held.run, { state: 'pause' }, operation)
  await at.settle(held.run, { outcome: 'completed' }, operation)
  for (const name of await tree()) {
    const { mode } = await stat(`${directory}/${name}`)
    if (name.endsWith('.gitignore')) continue
    expect((mode & 0o777).toString(8), name).toBe(/\.(json|ndjson)$/.test(name) ? '600' : '700')
  }
  expect(await readFile(`${directory}/runs/.gitignore`, 'utf8')).toBe('*\n')
})

test('a crash in the middle of an append leaves a torn line, which does not count', async () => {
  const run = await newRun()
  const held = await lease(run)
  await store().commit(commitOf(held, 1), operation)
  const whole = await readFile(`${directory}/${logPath}`, 'utf8')
  await store().commit(commitOf(held, 2, 'ü'), operation)
  const last = (await readFile(`${directory}/${logPath}`)).subarray(Buffer.byteLength(whole))
  for (let length = 1; length < last.length; length++) {
    await writeFile(`${directory}/${logPath}`, Buffer.concat([Buffer.from(whole), last.subarray(0, length)]))
    expect(await positions(), `${length} bytes of the line`).toEqual([commitOf(held, 1)])
    if (length > 20 && length < last.length - 5) continue
    await store().commit(commitOf(held, 2, 'again'), operation)
    expect(await positions(), `${length} bytes of the line`).toEqual([commitOf(held, 2, 'again')])
  }
  now += 2000
  const next = await lease(run, 'b')
  expect(next.position).toEqual({ ...commitOf(held, 2, 'again'), fence: 2 })
})

test('a process that dies while it takes over loses nothing', async () => {
  const run = await newRun()
  const held = await lease(run)
  await store().commit(commitOf(held, 1), operation)
  now += 2000
  // What the one that died left: its fence, its log not begun, or begun and torn.
  const folder = new PartitionFolder(`${directory}/${runPath}/partitions/all`, `${directory}/tmp`)
  await folder.claim(2, { partition, holder: 'dead', expiresAt: now })
  expect(await positions()).toEqual([commitOf(held, 1)])
  await folder.claim(3, { partition, holder: 'dead', expiresAt: now })
  await writeFile(`${folder.path}/00000003.1.ndjson`, '{"fence":3,"sequ')
  expect(await positions()).toEqual([commitOf(held, 1)])
  const next = await lease(run, 'b')
  expect(next).toMatchObject({ fence: 4, position: { sequence: 1, cursor: 'after 1' } })
  await store().commit(commitOf(next, 2), operation)
  expect((await readdir(folder.path)).sort()).toEqual(['00000004', '00000004.1.ndjson'])
})

test('a zombie is refused in any order of its append and the take-over', async () => {
  const run = await newRun()
  const zombie = await lease(run)
  const zombieStore = store()
  await zombieStore.commit(commitOf(zombie, 1), operation)
  now += 2000
  const next = await lease(run, 'b')
  // The zombie has its log open still, which has no name any more.
  await expect(zombieStore.commit(commitOf(zombie, 2), operation)).rejects.toMatchObject({ code: 'FENCED' })
  await expect(store().commit(commitOf(zombie, 2), operation)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await positions()).toEqual([{ ...commitOf(zombie, 1), fence: 2 }])
  await store().commit(commitOf(next, 2), operation)
  expect(await positions()).toEqual([commitOf(next, 2)])
})

test('a zombie that wakes up between its append and its look for a higher fence is refused', async () => {
  const run = await newRun()
  const zombie = await lease(run)
  const at = store()
  await at.commit(commitOf(zombie, 1), operation)
  now += 2000
  const handle = await open(`${directory}/${logPath}`, 'a')
  const next = await lease(run, 'b')
  // Its late line goes to a log that nobody reads any more.
  await handle.write(`${JSON.stringify({ ...commitOf(zombie, 2, 'late'), run: undefined, partition: undefined })}\n`)
  await handle.close()
  await expect(at.commit(commitOf(zombie, 3), operation)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await positions()).toEqual([{ ...commitOf(zombie, 1), fence: 2 }])
  await store().commit(commitOf(next, 2), operation)
})

test('of several who take over at once one gets the position, the others wait', async () => {
  const run = await newRun()
  await store().commit(commitOf(await lease(run), 1), operation)
  now += 2000
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      store().acquire({ run: run.run, partition, holder: `h${i}`, ttlMs: 1000 }, operation),
    ),
  )
  const leases = answers.filter((answer) => !('heldBy' in answer))
  expect(leases).toHaveLength(1)
  expect(leases[0]).toMatchObject({ position: { sequence: 1 } })
})

test('heartbeats and take-overs do not make the files grow', async () => {
  const run = await newRun()
  const sizes = async (): Promise<number> => {
    let bytes = 0
    for (const name of await tree()) {
      const file = await stat(`${directory}/${name}`)
      if (file.isFile()) bytes += file.size
    }
    return bytes
  }
  let held = await lease(run)
  await store().commit(commitOf(held, 1), operation)
  await store().heartbeat(held, { ...operation, ttlMs: 1000 })
  now += 2000
  held = await lease(run)
  const [files, bytes] = [await tree(), await sizes()]
  for (let i = 0; i < 20; i++) await store().heartbeat(held, { ...operation, ttlMs: 1000 })
  expect([await tree(), await sizes()]).toEqual([files, bytes])
  for (let i = 0; i < 5; i++) {
    now += 2000
    held = await lease(run, 'b')
  }
  expect((await tree()).length).toBe(files.length)
})

test('a long log goes on in a new file, and its past is removed', { timeout: 60_000 }, async () => {
  const run = await newRun()
  const held = await lease(run)
  const at = store()
  const cursor = 'x'.repeat(100_000)
  for (let sequence = 1; sequence <= 25; sequence++) {
    await at.commit(commitOf(held, sequence, `${sequence}${cursor}`), operation)
    expect((await positions())?.[0]?.sequence).toBe(sequence)
  }
  const logs = (await tree()).filter((name) => name.endsWith('.ndjson'))
  expect(logs).toEqual([`${runPath}/partitions/all/00000001.3.ndjson`])
  await expect(at.commit(commitOf(held, 25), operation)).rejects.toMatchObject({ code: 'FENCED' })
  now += 2000
  expect((await lease(run, 'b')).position?.sequence).toBe(25)
  await expect(at.commit(commitOf(held, 26), operation)).rejects.toMatchObject({ code: 'FENCED' })
})

test.each([
  ['no JSON', '{"format":"drover-run",'],
  ['empty', ''],
  ['of another program', '{"name":"copy","version":"1.0.0"}'],
  ['of a newer Drover', '{"format":"drover-run","version":2,"run":"r","name":"copy"}'],
  ['half a run', '{"format":"drover-run","version":1,"run":"r","name":"copy"}'],
])('a run file that is %s is refused with its path', async (_, text) => {
  const run = await newRun()
  await writeFile(`${directory}/${runPath}/run.json`, text)
  const refused = { code: 'STATE_INVALID', message: expect.stringMatching(/runs\/copy|version 2/) }
  await expect(store().load('copy', operation)).rejects.toMatchObject(refused)
  await expect(newRun()).rejects.toMatchObject(refused)
  await expect(lease(run)).rejects.toMatchObject(refused)
  await expect(store().list(operation)[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused)
})

test('a run file that belongs to another name is refused', async () => {
  const at = store()
  await newRun(at)
  await at.open({ name: 'other', fingerprint: null, partitions: [], follows: null }, operation)
  const text = await readFile(`${directory}/runs/other/00000001/run.json`, 'utf8')
  await writeFile(`${directory}/${runPath}/run.json`, text)
  await expect(store().load('copy', operation)).rejects.toMatchObject({
    code: 'STATE_INVALID',
    message: expect.stringContaining('"other"'),
  })
})

test.each([
  ['lease.json', 'runs/copy/00000001/partitions/all/00000001/lease.json', '{"holder":1}'],
  ['control.json', `${runPath}/control/00000001/control.json`, '{"state":"fly"}'],
  ['completed.json', `${runPath}/completed.json`, 'x'],
])('a broken %s is refused with its path', async (_, path, text) => {
  const run = await newRun()
  const held = await lease(run)
  await store().control(run.run, { state: 'pause' }, operation)
  await writeFile(`${directory}/${path}`, text)
  const use = async (): Promise<void> => {
    await store().heartbeat(held, { ...operation, ttlMs: 1000 })
    await store().load('copy', operation)
  }
  await expect(use()).rejects.toMatchObject({ code: 'STATE_INVALID', message: expect.stringContaining(path) })
})

test.each([
  ['of another program', () => 'hello\nworld\n'],
  [
    'with a gap',
    (text: string) => `${text}${(text.split('\n')[1] as string).replace('"sequence":1', '"sequence":3')}\n`,
  ],
  ['with something else in it', (text: string) => `${text}{"a":1}\n`],
])('a log %s is refused with its path, and nothing is taken', async (_, change) => {
  const run = await newRun()
  await store().commit(commitOf(await lease(run), 1), operation)
  await writeFile(`${directory}/${logPath}`, change(await readFile(`${directory}/${logPath}`, 'utf8')))
  now += 2000
  const before = await tree()
  const refused = { code: 'STATE_INVALID', message: expect.stringContaining('00000001.1.ndjson') }
  await expect(lease(run, 'b')).rejects.toMatchObject(refused)
  await expect(positions()).rejects.toMatchObject(refused)
  expect(await tree()).toEqual(before)
})

test('a log that is gone is not taken for a run that begins', async () => {
  const run = await newRun()
  const held = await lease(run)
  await store().commit(commitOf(held, 1), operation)
  now += 2000
  await lease(run, 'b')
  await rm(`${directory}/${runPath}/partitions/all/00000002.1.ndjson`)
  now += 2000
  await expect(lease(run, 'c')).rejects.toMatchObject({ code: 'STATE_INVALID' })
})

test('says so if the state is deleted while the run works', async () => {
  const held = await lease(await newRun())
  const at = store()
  await at.commit(commitOf(held, 1), operation)
  await rm(directory, { recursive: true })
  const refused = { code: 'STATE_INVALID' }
  await expect(at.commit(commitOf(held, 2), operation)).rejects.toMatchObject(refused)
  await expect(at.heartbeat(held, { ...operation, ttlMs: 1000 })).rejects.toMatchObject(refused)
})

describe('old runs', () => {
  const runs = async (): Promise<number[]> =>
    (await readdir(`${directory}/runs/copy`)).map(Number).sort((a, b) => a - b)
  const keeping = (keepRuns: number): StateStore => {
    const fresh = directoryStateStore({ directory, keepRuns, clock: () => now })
    opened.push(fresh)
    return fresh
  }
  async function begin(at: StateStore): Promise<RunState> {
    const follows = (await at.load('copy', operation))?.run ?? null
    return at.open({ name: 'copy', fingerprint: null, partitions: [partition], follows }, operation)
  }
  const complete = (at: StateStore, run: RunState) => at.settle(run.run, { outcome: 'completed' }, operation)

  test('go when a new one begins, but for the newest', async () => {
    const at = keeping(3)
    for (let i = 0; i < 5; i++) await complete(at, await begin(at))
    expect(await runs()).toEqual([3, 4, 5])
    await begin(at)
    expect(await runs()).toEqual([4, 5, 6])
    expect(await readdir(`${directory}/tmp`)).toEqual([])
  })

  test('stay by default for a hundred runs, and for good where the option says so', async () => {
    const forever = keeping(Number.POSITIVE_INFINITY)
    for (let i = 0; i < 101; i++) await complete(forever, await begin(forever))
    expect(await runs()).toHaveLength(101)
    await complete(store(), await begin(store()))
    expect((await runs())[0]).toBe(3)
    expect(await runs()).toHaveLength(100)
  })

  test('stay if they are open, and the newest completed one does', async () => {
    const at = keeping(1)
    await begin(at) // left where it stands: whenChanged 'restart'
    await complete(at, await begin(at))
    for (let i = 0; i < 3; i++) await begin(at)
    expect(await runs()).toEqual([1, 2, 3, 4, 5])
  })

  test('stay while somebody holds them', async () => {
    const at = keeping(1)
    const first = await begin(at)
    await lease(first, 'a', at)
    await complete(at, first)
    for (let i = 0; i < 2; i++) await complete(at, await begin(at))
    expect(await runs()).toEqual([1, 2, 3])
    now += 2000
    await begin(at)
    expect(await runs()).toEqual([3, 4])
  })

  test('do not come back when somebody comes too late, and he is told', async () => {
    const late = keeping(1)
    const first = await begin(late)
    await late.acquire({ run: first.run, partition, holder: 'a', ttlMs: 1 }, operation)
    now += 2000
    const at = keeping(1)
    await complete(at, first)
    for (let i = 0; i < 2; i++) await complete(at, await begin(at))
    await expect(lease(first, 'a', late)).rejects.toMatchObject({ code: 'STATE_INVALID' })
    await expect(lease(first, 'a')).rejects.toMatchObject({ code: 'STATE_INVALID' })
    expect(await runs()).toEqual([2, 3])
  })

  test('are kept by whole numbers', () => {
    for (const keepRuns of [0, -1, 1.5, Number.NaN]) expect(() => keeping(keepRuns)).toThrow(/keepRuns/)
  })
})

test('leaves files that others put there alone', async () => {
  await newRun()
  for (const name of ['runs/.DS_Store', 'runs/copy/.DS_Store', `${runPath}/notes.txt`]) {
    await writeFile(`${directory}/${name}`, 'x')
  }
  await mkdir(`${directory}/${runPath}/partitions/all/other`, { recursive: true })
  await lease((await store().load('copy', operation)) as RunState)
  for await (const run of store().list(operation)) expect(run.name).toBe('copy')
})

test('removes what crashes left, and not what others are about to put in place', async () => {
  const at = store()
  await at.setup?.(operation)
  await mkdir(`${directory}/tmp/old`)
  await writeFile(`${directory}/tmp/old/run.json`, '')
  await writeFile(`${directory}/tmp/new`, '')
  await utimes(`${directory}/tmp/old`, new Date(0), new Date(0))
  await at.setup?.(operation)
  expect(await readdir(`${directory}/tmp`)).toEqual(['new'])
  await newRun()
  await lease((await at.load('copy', operation)) as RunState)
  expect(await readdir(`${directory}/tmp`)).toEqual(['new'])
})

test('says what is wrong with its directory', async () => {
  await writeFile(directory, '')
  await expect(newRun()).rejects.toMatchObject({ code: 'STATE_INVALID', message: expect.stringContaining(directory) })
  await expect(store().setup?.(operation)).rejects.toMatchObject({ code: 'STATE_INVALID' })
})

test('keeps strange texts in names of partitions and cursors', async () => {
  const strange: Partition = { id: '../\u0000 \ud800 Ü/ü', bounds: ['\u2028', null] }
  const run = await newRun()
  const held = await store().acquire({ run: run.run, partition: strange, holder: 'a', ttlMs: 1000 }, operation)
  const commit = commitOf(held as Lease, 1, '\u0000\n\ud800')
  await store().commit(commit, operation)
  expect(await positions()).toEqual([commit])
  expect((await tree()).every((name) => /^[\w./%~-]+$/.test(name))).toBe(true)
})

test('appending to a file by hand does not move a position back', async () => {
  const run = await newRun()
  const held = await lease(run)
  for (const sequence of [1, 2]) await store().commit(commitOf(held, sequence), operation)
  const [, first] = (await readFile(`${directory}/${logPath}`, 'utf8')).split('\n')
  await appendFile(`${directory}/${logPath}`, `${first}\n`)
  expect(await positions()).toEqual([commitOf(held, 2)])
})
