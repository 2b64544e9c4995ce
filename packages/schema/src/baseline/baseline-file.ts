import { readFile } from 'node:fs/promises'
import { DroverError, inputError } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import type { Timing } from './measure-query.js'
import type { QueryPlan } from './query-plan.js'

/** How one query fared. */
export interface BaselineQuery extends Timing {
  readonly name: string
  readonly sql: string
  readonly plan: QueryPlan
}

/** How queries fare on a database before it is changed. */
export interface Baseline {
  readonly drover: 'baseline'
  readonly format: 1
  /** ISO 8601. */
  readonly at: string
  readonly database: string
  readonly dialect: Dialect
  readonly version: number
  readonly queries: readonly BaselineQuery[]
}

/** @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID` */
export async function readBaseline(path: string): Promise<Baseline> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw inputError(error, path)
  })
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    read = null
  }
  const baseline = read as Partial<Baseline> | null
  if (baseline?.drover === 'baseline' && baseline.format === 1 && Array.isArray(baseline.queries))
    return baseline as Baseline
  throw new DroverError('SOURCE_INVALID', `${path} is no baseline of queries: record one with recordBaseline.`)
}
