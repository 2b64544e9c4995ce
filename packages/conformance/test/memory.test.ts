import { memoryAckSink, memorySink, memorySource, memoryStateStore, memoryStore, type Row } from '@drover/core'
import {
  ackSinkSuite,
  exactSinkSuite,
  sourceSuite,
  stateStoreSuite,
  type ValueSetName,
  valueSets,
} from '../src/index.js'

const everyValue = Object.keys(valueSets) as ValueSetName[]
const refused = { name: 'refused' }
const refuse = (row: Row): boolean => row.name === refused.name

sourceSuite('memory', {
  capabilities: {
    keys: ['int', 'bigint', 'text', 'composite'],
    values: everyValue,
    count: 'exact',
    partitions: true,
  },
  create: async ({ fields, key }) => {
    const records: Row[] = []
    return {
      open: () => memorySource({ records, key, schema: { fields } }),
      seed: async (rows) => void records.push(...rows),
      [Symbol.asyncDispose]: async () => {},
    }
  },
})

for (const tellsRow of [true, false]) {
  exactSinkSuite(`memory (tells the row: ${tellsRow})`, {
    capabilities: {
      values: everyValue,
      keys: ['int', 'bigint', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update'],
      refuses: true,
      defersRefusals: true,
      tellsRow,
      readBack: true,
    },
    create: async ({ schema, onConflict = 'error', deferred = false }) => {
      const store = memoryStore()
      if (onConflict === 'merge') throw new Error('The memory sink does not merge.')
      return {
        open: () => memorySink({ store, key: schema.key, onConflict, deferred, refuse, tellsRow }),
        contents: async () => [...store.rows],
        refusable: (row) => ({ ...row, ...refused }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
}

for (const guarantee of ['idempotent', 'at-least-once'] as const) {
  ackSinkSuite(`memory (${guarantee})`, {
    capabilities: { values: everyValue, refuses: true, tellsRow: true },
    create: async () => {
      const store = memoryStore()
      return {
        open: () => memoryAckSink({ store, guarantee, inFlight: 4, refuse }),
        contents: async () => [...store.rows],
        refusable: (row) => ({ ...row, ...refused }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
}

stateStoreSuite('memory', {
  capabilities: { durable: false },
  create: async () => {
    let now = Date.now()
    return {
      open: () => memoryStateStore({ clock: () => now }),
      expire: async (lease) => {
        now = lease.expiresAt.getTime() + 1
      },
      [Symbol.asyncDispose]: async () => {},
    }
  },
})
