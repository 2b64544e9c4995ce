import type { Layout } from '../layout.js'

/** Messages of LangChain in SQL. */
export const langchainLayouts: readonly Layout[] = []
