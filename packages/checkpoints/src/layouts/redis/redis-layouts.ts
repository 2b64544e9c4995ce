import type { Layout } from '../layout.js'

/** Checkpoints of LangGraph and messages of LangChain in Redis. */
export const redisLayouts: readonly Layout[] = []
