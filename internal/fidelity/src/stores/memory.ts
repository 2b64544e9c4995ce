import { memorySink, memorySource, type Row } from '@drover/core'
import { fieldsOf } from '../records.js'
import type { Store } from '../store.js'

/** The control: it has every type, and changes nothing. */
export function memory(): Store {
  return {
    name: 'Memory',
    holds: () => true,
    seed: async (sets, records) => memorySource({ records, key: 'id', schema: { fields: fieldsOf(sets) } }),
    place: () => {
      const sink = memorySink<Row>({ key: 'id' })
      return { sink, contents: async () => sink.store.rows }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
