import {
  type AckSink,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Row,
  type Sink,
  type Source,
  type StateStore,
} from '@drover/core'
import { expect, test } from 'vitest'
import { type KillModelHarness, type KillModelOptions, killModel } from '../src/index.js'
import { type Mistake, type ReferenceStore, referenceSink } from './reference-sink.js'

// A model that lets a mistake pass proves nothing: each of these has to be found.

type Changes = Partial<Omit<KillModelHarness, 'contents'>>
type Create = KillModelOptions['create']

function over(
  change: (records: readonly Row[]) => Changes & { readonly store?: ReferenceStore },
  options: Partial<KillModelOptions> = {},
) {
  const create: Create = async ({ records }) => {
    const { store = { rows: [], positions: new Map() }, ...changes } = change(records)
    return {
      openSink: () => referenceSink(store),
      contents: async () => [...store.rows],
      [Symbol.asyncDispose]: async () => {},
      ...changes,
    }
  }
  return killModel({ create, ...options })
}

test('a sink without a mistake passes', { timeout: 60_000 }, async () => {
  const tried = await over(() => ({}), { stride: 7 })
  expect(tried.kills).toBeGreaterThan(30)
  expect(tried.zombies).toBeGreaterThan(12)
  expect(tried.stumbles).toBeGreaterThan(12)
})

const mistakes: readonly [Mistake, RegExp][] = [
  ['takes commits of any fence', /woke up:\nrows: more often than expected/],
  ['stores the rows before the position is known', /killed at step .*\nrows: more often than expected/],
  ['stores each page by itself', /killed at step .*\nrows: more often than expected/],
  ['does not read the position back', /killed at step .*\nrows: more often than expected/],
]

test.each(mistakes)('a sink that %s is found', { timeout: 60_000 }, async (mistake, found) => {
  const broken = over(() => {
    const store: ReferenceStore = { rows: [], positions: new Map() }
    return { store, openSink: () => referenceSink(store, mistake) }
  })
  await expect(broken).rejects.toThrow(found)
})

test.each([
  ['leaves out a record', 1, /rows: missing|counts: read is/],
  ['gives a record again', -1, /rows: more often than expected/],
] as const)('a source that %s where it goes on is found', { timeout: 60_000 }, async (_, by, found) => {
  const broken = over((records) => ({ openSource: () => resumingOff(memorySource({ records, key: 'id' }), by) }))
  await expect(broken).rejects.toThrow(found)
})

test('a state store that forgets its run is found', { timeout: 60_000 }, async () => {
  const broken = over(() => ({ openState: () => memoryStateStore() }))
  await expect(broken).rejects.toThrow(/more often than expected/)
})

test('dead letters that are not durable when the batch commits are found', { timeout: 60_000 }, async () => {
  const broken = over(() => {
    const letters: Row[] = []
    return { deadLetters: { open: () => lateSink(letters), keys: async () => letters.map((letter) => letter.key) } }
  })
  await expect(broken).rejects.toThrow(/dead letters: missing/)
})

test('dead letters that are written without a refusal are found', { timeout: 60_000 }, async () => {
  const broken = over(() => ({
    deadLetters: { open: () => memorySink() as Sink, keys: async () => [[1], [2], [7], [8]] },
  }))
  await expect(broken).rejects.toThrow(/dead letters: not expected: \[2\]/)
})

test('rows that are acknowledged before they are durable are found', { timeout: 60_000 }, async () => {
  const broken = over(() => {
    const store: ReferenceStore = { rows: [], positions: new Map() }
    const state = memoryStore().state
    return { store, openSink: () => lateSink(store.rows), openState: (): StateStore => state }
  })
  await expect(broken).rejects.toThrow(/rows: missing/)
})

/** Goes on one record too far, or not far enough. */
function resumingOff(source: Source, by: number): Source {
  return {
    ...source,
    connect: async (operation) => {
      const session = await source.connect(operation)
      const off = (after: unknown): number | null =>
        typeof after === 'number' && after > 5 ? after + by : (after as number | null)
      return {
        describe: (...all) => session.describe(...all),
        read: (options) => session.read({ ...options, after: off(options.after) }),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

/** Has rows durable only when the next ones come. */
function lateSink(durable: Row[]): AckSink {
  return {
    specVersion: 1,
    name: 'late',
    guarantee: 'at-least-once',
    connect: async () => {
      let held: Row[] = []
      return {
        write: async (batch) => {
          durable.push(...held)
          const rows: Row[] = []
          for await (const page of batch) rows.push(...page.rows())
          held = rows
          return { inserted: held.length, updated: 0, skipped: 0 }
        },
        finish: async () => void durable.push(...held.splice(0)),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  }
}
