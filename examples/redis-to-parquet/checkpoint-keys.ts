import type { Redis } from 'ioredis'

const day = 86_400

/** What a checkpointer of agents keeps in Redis: for each thread its checkpoints, the writes that are pending, and what is known of it. */
export async function writeCheckpoints(redis: Redis, threads: number): Promise<void> {
  for (let n = 0; n < threads; n++) {
    const thread = threadId(n)
    const pipeline = redis.pipeline()
    for (let step = 0; step < 5; step++) {
      const key = `checkpoint:${thread}:${step}`
      // Every third thread is of a visitor: its checkpoints expire after a week.
      if (n % 3 === 0) pipeline.set(key, checkpointOf(n, step), 'EX', 7 * day)
      else pipeline.set(key, checkpointOf(n, step))
    }
    pipeline.hset(`checkpoint:${thread}:meta`, {
      thread_id: thread,
      user: `user ${n % 40}`,
      steps: 5,
      created_at: createdAt(n),
      title: n % 7 === 0 ? '' : `Grüße № ${n} 👋`,
    })
    if (n % 2 === 0) pipeline.rpush(`checkpoint:${thread}:writes`, ...pendingWrites(n))
    await pipeline.exec()
  }
}

/** What else an application has in the same database; no export takes it. */
export async function writeOtherKeys(redis: Redis): Promise<void> {
  await redis.set('session:1', '{"user":"user 1"}', 'EX', day)
  await redis.hset('checkpoints', { of: 'another application' })
  await redis.set('Checkpoint:1', 'names are told apart by case')
}

/** How many keys `writeCheckpoints` makes. */
export function keysOf(threads: number): number {
  return threads * 6 + Math.ceil(threads / 2)
}

function threadId(n: number): string {
  return `customer-${n % 40}/chat:${n}`
}

function createdAt(n: number): string {
  return new Date(Date.UTC(2026, 0, 1) + n * 61_000).toISOString()
}

function checkpointOf(n: number, step: number): string {
  const thread = threadId(n)
  return JSON.stringify({
    v: 4,
    id: `${thread}#${step}`,
    thread_id: thread,
    step,
    channel_values: {
      messages: Array.from({ length: step + 1 }, (_, i) => ({
        role: i % 2 === 0 ? 'user' : 'assistant',
        content: `message ${i} of ${thread}`,
        tokens: ((i * 37) % 101) + (n % 5),
      })),
      scratchpad: 'x'.repeat(step * 40),
    },
    channel_versions: { messages: step + 1 },
  })
}

function pendingWrites(n: number): string[] {
  return Array.from({ length: (n % 3) + 1 }, (_, i) => JSON.stringify({ task: `task-${n}-${i}`, channel: 'messages' }))
}
