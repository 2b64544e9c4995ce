import type { CrashPair } from '@drover/conformance/crash'
import { backfills } from './pairs/backfills.js'
import { databases } from './pairs/databases.js'
import { pipelines } from './pairs/pipelines.js'

/** What the crash harness runs in processes of its own: files and SQLite. */
export const pairs: Readonly<Record<string, CrashPair>> = { ...pipelines, ...backfills, ...databases }
