import { memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { type ParquetSinkOptions, parquetSink, parquetSource } from '@drover/export-parquet'
import { readRows } from '../read-rows.js'
import { fieldsOf } from '../records.js'
import type { Store } from '../store.js'
import { Places } from './files.js'

/**
 * A file for each copy. What it is to be read from is written by its own sink, which the control looks at.
 *
 * @param types Coercions of the sink that is copied to.
 */
export function parquet(types: ParquetSinkOptions['types'] = {}): Store {
  const places = new Places('parquet')
  return {
    name: 'Parquet',
    holds: ({ name }) => !foreign.has(name),
    seed: async (sets, records) => {
      const path = places.next()
      await runPipeline({
        name: `records in ${path}`,
        source: memorySource({ records, key: 'id', schema: { fields: fieldsOf(sets) } }),
        sink: parquetSink({ outputPath: path }),
        state: memoryStateStore(),
      })
      return parquetSource({ path, key: 'id' })
    },
    place: () => {
      const path = places.next()
      return { sink: parquetSink({ outputPath: path, types }), contents: () => readRows(parquetSource({ path })) }
    },
    [Symbol.asyncDispose]: async () => places.remove(),
  }
}

/** What its sink refuses. */
const foreign = new Set(['uint64', 'decimalOpen', 'loneSurrogate', 'endless', 'any'])
