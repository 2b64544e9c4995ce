import type { Layout } from '../layout.js'
import { historySink } from './history-sink.js'
import { historySource } from './history-source.js'

/** Messages of LangChain in SQL. */
export const langchainLayouts: readonly Layout[] = [
  {
    name: 'langchain-postgres',
    records: 'messages',
    store: 'postgres',
    source: (options) => historySource('langchain-postgres', options),
    sink: (options) => historySink('langchain-postgres', options),
  },
  {
    name: 'langchain-sqlite',
    records: 'messages',
    store: 'sqlite',
    source: (options) => historySource('langchain-sqlite', options),
    sink: (options) => historySink('langchain-sqlite', options),
  },
]
