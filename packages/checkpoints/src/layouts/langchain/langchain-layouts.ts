import type { Layout } from '../layout.js'
import { historySink } from './history-sink.js'
import { historySource } from './history-source.js'
import { historyTable } from './history-table.js'

/** Of the tables that the libraries have made over time, some have a column for it. */
function hasTimes(where: string): NonNullable<Layout['hasTimestamps']> {
  return async (options, operation) => (await historyTable(where, options, operation)).columns.has('created_at')
}

/** Messages of LangChain in SQL. */
export const langchainLayouts: readonly Layout[] = [
  {
    name: 'langchain-postgres',
    records: 'messages',
    store: 'postgres',
    hasTimestamps: hasTimes('langchain-postgres'),
    source: (options) => historySource('langchain-postgres', options),
    sink: (options) => historySink('langchain-postgres', options),
  },
  {
    name: 'langchain-sqlite',
    records: 'messages',
    store: 'sqlite',
    hasTimestamps: hasTimes('langchain-sqlite'),
    source: (options) => historySource('langchain-sqlite', options),
    sink: (options) => historySink('langchain-sqlite', options),
  },
]
