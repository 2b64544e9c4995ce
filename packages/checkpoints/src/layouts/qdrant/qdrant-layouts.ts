import type { Layout } from '../layout.js'

/** Checkpoints and messages in Qdrant. */
export const qdrantLayouts: readonly Layout[] = []
