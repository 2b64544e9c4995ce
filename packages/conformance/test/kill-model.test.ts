import { memoryAckSink, memorySink, memoryStore, type Sink } from '@drover/core'
import { expect, test } from 'vitest'
import { type KillModelHarness, type KillModelOptions, killModel, type RefusalKind } from '../src/index.js'

type Stores = Omit<KillModelHarness, typeof Symbol.asyncDispose>

async function tried(stores: (key: readonly string[]) => Stores, options: Omit<KillModelOptions, 'create'> = {}) {
  const create: KillModelOptions['create'] = async ({ sinkSchema }) => ({
    ...stores(sinkSchema.key),
    [Symbol.asyncDispose]: async () => {},
  })
  const report = await killModel({ create, stride: 11, ...options })
  expect(report.kills).toBeGreaterThan(20)
  expect(report.zombies).toBeGreaterThan(8)
  expect(report.stumblesNotOvercome).toEqual([])
}

const timeout = 120_000
const refusals: readonly (RefusalKind | 'none')[] = ['tells', 'silent', 'deferred', 'none']

test.each(refusals)('the memory sink loses and doubles nothing (refusals: %s)', { timeout }, async (kind) => {
  await tried(
    () => {
      const store = memoryStore()
      return { openSink: () => memorySink({ store }), contents: async () => [...store.rows] }
    },
    { refusals: kind, stride: kind === 'tells' ? 1 : 11 },
  )
})

test('nor does it with a key', { timeout }, async () => {
  await tried((key) => {
    const store = memoryStore()
    return { openSink: () => memorySink({ store, key }), contents: async () => [...store.rows] }
  })
})

test.each(['tells', 'deferred'] as const)('nor if it ends batches early (refusals: %s)', { timeout }, async (kind) => {
  await tried(
    () => {
      const store = memoryStore()
      return { openSink: () => memorySink({ store }), contents: async () => [...store.rows] }
    },
    { refusals: kind, rowsOfBatch: 4, partitions: 1 },
  )
})

test('nor with its positions in one store and its runs in another', { timeout }, async () => {
  await tried(() => {
    const [store, other] = [memoryStore(), memoryStore()]
    return {
      openSink: () => memorySink({ store }),
      openState: () => other.state,
      contents: async () => [...store.rows],
    }
  })
})

test.each([
  ['idempotent', 1, 'tells'],
  ['idempotent', 4, 'silent'],
  ['at-least-once', 1, 'silent'],
  ['at-least-once', 3, 'tells'],
] as const)(
  'an %s sink with %i batches in flight loses nothing (refusals: %s)',
  { timeout },
  async (guarantee, inFlight, kind) => {
    const stores = (): Stores => {
      const [store, state] = [memoryStore(), memoryStore().state]
      return {
        openSink: () => memoryAckSink({ store, guarantee, inFlight }) as Sink,
        openState: () => state,
        contents: async () => [...store.rows],
      }
    }
    await tried(stores, { refusals: kind })
  },
)
