import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import type { Lease, RunState } from '../contracts/state-store.js'
import { startPipeline } from '../engine/run-pipeline.js'
import { ndjsonSink } from '../files/ndjson-sink.js'
import { operation, records, whole } from '../files/testing/drive.js'
import { fill, smallDisk } from '../files/testing/small-disk.js'
import { memorySource } from '../memory/memory-source.js'
import { directoryStateStore } from './directory-state-store.js'

const newRun = { name: 'copy', fingerprint: null, partitions: [whole], follows: null } as const

function storeOn(disk: string): ReturnType<typeof directoryStateStore> {
  const store = directoryStateStore({ directory: `${disk}/state` })
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

test('a lease is given back on a full disk, and the next one has a higher fence', async ({ skip }) => {
  const disk = smallDisk()
  if (disk === null) return skip()
  const store = storeOn(disk)
  await store.setup?.(operation)
  const { run } = await store.open(newRun, operation)
  const want = { run, partition: whole, ttlMs: 60_000 }
  const held = (await store.acquire({ ...want, holder: 'a' }, operation)) as Lease
  await store.heartbeat(held, { ...operation, ttlMs: 60_000, telling: 'something' })
  const makeRoom = fill(disk)
  await store.release(held, operation)
  expect((await storeOn(disk).load('copy', operation)) as RunState).toMatchObject({ leases: [] })
  makeRoom()
  // Its lease is of the past: it is not renewed, and what it commits does not count.
  await expect(store.heartbeat(held, { ...operation, ttlMs: 60_000 })).rejects.toMatchObject({ code: 'LEASE_LOST' })
  const next = await storeOn(disk).acquire({ ...want, holder: 'b' }, operation)
  expect(next).toMatchObject({ fence: 2, holder: 'b' })
  expect(await store.acquire({ ...want, holder: 'a' }, operation)).toMatchObject({ heldBy: 'b' })
  await store.release(held, operation)
  expect(await store.acquire({ ...want, holder: 'a' }, operation)).toMatchObject({ heldBy: 'b' })
})

test.for([0, 1, 2])('a lease that the disk was too full for is nobody’s: %i pages left', async (pages, { skip }) => {
  const disk = smallDisk()
  if (disk === null) return skip()
  const store = storeOn(disk)
  await store.setup?.(operation)
  const { run } = await store.open(newRun, operation)
  const want = { run, partition: whole, ttlMs: 60_000 }
  const makeRoom = fill(disk, pages)
  const tried = store.acquire({ ...want, holder: 'a' }, operation)
  if (pages < 2) await expect(tried).rejects.toMatchObject({ code: 'STORE_FULL' })
  else expect(await tried).toMatchObject({ fence: 1, holder: 'a' })
  makeRoom()
  const next = await store.acquire({ ...want, holder: 'b' }, operation)
  // With one page there was room for the fence, and none for its log.
  expect(next).toMatchObject([{ fence: 1, holder: 'b' }, { fence: 2, holder: 'b' }, { heldBy: 'a' }][pages] as object)
})

test('a run that a full disk ended goes on in the same process once there is room', async ({ skip }) => {
  const disk = smallDisk()
  if (disk === null) return skip()
  const rows = records(1000)
  let makeRoom: (() => void) | undefined
  const run = () => {
    const live = startPipeline({
      name: 'copy',
      source: memorySource({ records: rows, key: 'id' }),
      sink: ndjsonSink({ path: `${disk}/out.ndjson` }),
      batchSize: 100,
    })
    live.events.on('batch:committed', () => {
      makeRoom ??= fill(disk)
    })
    return live.result
  }
  await expect(run()).rejects.toMatchObject({ code: 'STORE_FULL' })
  makeRoom?.()
  expect(await run()).toMatchObject({ status: 'completed', attempt: { resumed: true }, counts: { written: 1000 } })
  expect(readFileSync(`${disk}/out.ndjson`, 'utf8').split('\n')).toHaveLength(1001)
})
