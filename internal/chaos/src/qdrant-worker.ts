import type { CrashPair } from '@drover/conformance/crash'
import { qdrantPipelines } from './pairs/qdrant-pipelines.js'

/** Points of servers with the storage semantics of Qdrant, of which some are killed now and then. */
export const pairs: Readonly<Record<string, CrashPair>> = qdrantPipelines
