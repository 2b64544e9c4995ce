import { createHash, randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { DroverError, type Lease } from '@drover/core'
import { redisStateStore } from '../redis-state-store.js'

/**
 * A process that works on a run together with others that want the same: it commits whenever it has the lease, until position `last`
 * stands. It says what it is about to commit, and what was committed, at once: nothing said is lost when it is killed.
 */
const [connection = '', last = '0'] = process.argv.slice(2)
const ttlMs = 120
const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 1, updated: 0, skipped: 0 }
await using store = redisStateStore({ connection })
const say = (event: object): void => void writeSync(1, `${JSON.stringify(event)}\n`)

const { run } = await store.open(
  { name: 'shared', fingerprint: null, partitions: [partition], follows: null },
  operation,
)
say({ run })
for (let at = 0; at < Number(last); ) {
  const holder = `${hostname()}:${process.pid}:${randomUUID()}`
  const lease = await store.acquire({ run, partition, holder, ttlMs }, operation)
  if ('heldBy' in lease) await wait(5)
  else at = await work(lease)
}

/** Commits until the lease is lost, or all is done; every position says in its cursor what came before it. */
async function work(lease: Lease): Promise<number> {
  let sequence = lease.position?.sequence ?? 0
  let before = (lease.position?.cursor as string | undefined) ?? 'start'
  let beat = performance.now()
  while (sequence < Number(last)) {
    const cursor = createHash('sha1').update(`${before} ${randomUUID()}`).digest('hex')
    const commit = { run, partition, fence: lease.fence, sequence: sequence + 1, cursor, done: false, counts }
    say({ tries: commit.sequence, before, cursor })
    try {
      await store.commit(commit, operation)
      say({ committed: commit.sequence, cursor })
      if (performance.now() - beat > ttlMs / 3) {
        await store.heartbeat(lease, { ...operation, ttlMs })
        beat = performance.now()
      }
    } catch (error) {
      if (!DroverError.isInstance(error, 'FENCED', 'LEASE_LOST')) throw error
      say({ lost: lease.fence, code: error.code })
      return sequence
    }
    sequence++
    // Else all is done before anything can happen to it.
    await wait(2)
    before = cursor
  }
  await store.release(lease, operation)
  return sequence
}
