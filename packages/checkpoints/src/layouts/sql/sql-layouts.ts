import type { Layout } from '../layout.js'

/** Checkpoints of LangGraph in SQL. */
export const sqlLayouts: readonly Layout[] = []
