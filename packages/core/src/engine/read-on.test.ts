import { expect, it } from 'vitest'
import type { ReadOptions } from '../contracts/source.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { runPipeline } from './run-pipeline.js'
import { ids, numbers, source, withReading, withSession } from './testing/rigs.js'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A copy whose every commit waits as long as pages are read meanwhile; how many were ahead of the sink then. */
async function aheadOfCommits(slowStep: boolean): Promise<number[]> {
  let read = 0
  let pulled = 0
  const ahead: number[] = []
  const counted = withReading(source(60_000), (session) => ({
    async *read(options: ReadOptions) {
      for await (const page of session.read(options)) {
        read++
        yield page
      }
    },
  }))
  const store = memorySink()
  const sink = withSession(store, (session) => ({
    write: (batch, operation) => {
      const { partition, sequence } = batch
      async function* pages() {
        for await (const page of batch) {
          pulled++
          yield page
        }
        for (let last = -1; last < read; await turn(), await turn(), await turn()) last = read
        ahead.push(read - pulled)
      }
      const commit: typeof batch.commit = (outcome) => batch.commit(outcome)
      return session.write({ partition, sequence, commit, [Symbol.asyncIterator]: pages }, operation)
    },
  }))
  const slowly = () => {
    for (const end = performance.now() + 60; performance.now() < end; );
    return null
  }
  const flow = slowStep
    ? from(counted).pipe((r: { readonly id: number }) => (r.id % 1_000 === 0 ? slowly() : r))
    : counted
  await runPipeline({ name: 'copy', source: flow, sink, batchSize: slowStep ? 20_000 : 5_000 })
  if (!slowStep) expect(ids(store.store.rows)).toEqual(ids(numbers(60_000)))
  return ahead
}

it('pages are read on while a batch is made durable, but not without end', async () => {
  const ahead = await aheadOfCommits(false)
  // Without reading on it is one.
  expect(ahead[0]).toBeGreaterThan(2)
  expect(Math.max(...ahead)).toBeLessThanOrEqual(5)
})

it('steps that take their time are not run for what may never be written', async () => {
  expect(Math.max(...(await aheadOfCommits(true)))).toBeLessThanOrEqual(3)
})
