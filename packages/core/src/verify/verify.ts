import type { ExactSession } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { JsonValue } from '../contracts/values.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type Flow, isFlow } from '../flow/flow.js'
import { type Found, narrow } from './narrow.js'
import { Pairing } from './pairing.js'
import { RowCodes } from './row-codes.js'
import { lookAgain } from './second-look.js'
import { checkTolerance, nearFields, type VerifyTolerance } from './tolerance.js'
import { VerifiedFlow } from './verified-flow.js'

export interface VerifyOptions {
  /** What should be there: the flow that was run, or a source as it is. Its steps are run again. */
  readonly expected: Source<object> | Flow<object>
  /** What is there: usually the destination, read back. */
  readonly actual: Source<object> | Flow<object>
  /** What `actual` holds for a record, where that is not the record itself: the method of the same name of the sink's session. A record for which it throws counts as rejected. */
  readonly readsBackAs?: ReadsBackAs
  /** The field, or the fields, that identify a row on both sides. */
  readonly key: string | readonly string[]
  /** Fields that are not compared. */
  readonly ignore?: readonly string[]
  /** Fields whose texts hold JSON and are compared as such. @default those that either side describes as json, list or struct */
  readonly json?: readonly string[]
  /** How far numbers and vectors may be apart and still count as the same. @default they are the same, or they are not */
  readonly tolerance?: VerifyTolerance
  /** When the run began, as its report says: the clock of steps such as `addMetadata`. Such a step needs it. */
  readonly runStartedAt?: Date
  /** Keys that are held in memory at once, while differences are narrowed down; with them, the values of fields with a tolerance. @default 200000 */
  readonly maxKeys?: number
  readonly signal?: AbortSignal
}

/** Makes what a sink holds of what it was given. */
export type ReadsBackAs = NonNullable<ExactSession['readsBackAs']>

/** One row that is not the same on both sides. */
export interface Difference {
  readonly kind: 'missing' | 'extra' | 'different'
  readonly key: readonly JsonValue[]
  /** The fields that differ, where both rows could be kept. */
  readonly fields?: readonly string[]
  /** It was not there any more, or another one, when the rows were read a second time: somebody writes to a side. */
  readonly changedMeanwhile?: boolean
}

/** What a side turned out to hold. */
export interface VerifiedSide {
  readonly name: string
  readonly rows: number
  /** Records that could not be read, or that a step rejected. */
  readonly rejected: number
}

/** What `verify` found. */
export interface Verification {
  /** Both sides hold the same rows, and all rows of `actual` could be read. */
  readonly equal: boolean
  readonly expected: VerifiedSide
  readonly actual: VerifiedSide
  /** Rows that are expected and not there. */
  readonly missing: number
  /** Rows that are there and not expected. */
  readonly extra: number
  /** Rows that are there and have other values. */
  readonly different: number
  /**
   * What was read a second time, to be sure of a difference, was not as it was before: somebody writes to a side, and some of what
   * was found may be no difference. False says no more than that it was not seen.
   */
  readonly changedMeanwhile: boolean
  /** False if more keys came into question than `maxKeys`: the three numbers are the least that differ. */
  readonly complete: boolean
  /** The first differences, twenty at the most. */
  readonly differences: readonly Difference[]
  readonly durationMs: number
}

const optionNames = [
  'expected',
  'actual',
  'readsBackAs',
  'key',
  'ignore',
  'json',
  'tolerance',
  'runStartedAt',
  'maxKeys',
  'signal',
] as const
const defaultMaxKeys = 200_000
/** Rows that may wait for their partner at once. */
const heldRows = 50_000
const heldBytes = 16 * 1024 * 1024

/**
 * Compares what a flow gives with what a destination holds. Both sides are read once, side by side, in any order. Where both come in
 * about the same order, every row meets its partner within reach, and what differs is known at once; else rows are added up in
 * buckets by key, and where a bucket differs, both sides are read once more to find the keys. Memory does not grow with the rows.
 *
 * The first differences are read a second time before they are told: `changedMeanwhile` says whether they were still the same.
 *
 * Values are compared by what they mean: a number with a bigint, a missing field with null, a `Date` with its text, and,
 * where one of the sides describes a field so, timestamps as instants, decimals as numbers, JSON as JSON. With a `tolerance`,
 * numbers and vectors that are near count as the same; looking at the rows with such fields may take several more passes.
 *
 * ```ts
 * const verification = await verify({ expected: flow, actual: ndjsonSource({ path: 'out' }), key: 'id', runStartedAt: report.startedAt })
 * console.log(formatVerification(verification))
 * ```
 *
 * @throws `OPTION_INVALID`, also if a step asks for the run's start and `runStartedAt` is not given; `KEY_INVALID` if a row
 *   has no such field; what the sources throw.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  checkOptions(options)
  const begun = performance.now()
  const key = typeof options.key === 'string' ? [options.key] : options.key
  const signal = options.signal ?? new AbortController().signal
  const help = { signal, runStartedAt: options.runStartedAt }
  const { readsBackAs } = options
  await using expected = await VerifiedFlow.open(options.expected, { ...help, readsBackAs })
  const wanted = await expected.describe()
  await using actual = await VerifiedFlow.open(options.actual, { ...help, expected: wanted })
  const there = await actual.describe()
  const schemas = readsBackAs === undefined ? [wanted, there] : [there]
  const { ignore = [], json = [], tolerance = {} } = options
  const near = nearFields(tolerance, schemas, [...key, ...ignore])
  const codes = new RowCodes(key, { ignore, json, schemas, near })

  const maxKeys = options.maxKeys ?? defaultMaxKeys
  const pairing = new Pairing(codes, { expected, actual }, { rows: Math.min(maxKeys, heldRows), bytes: heldBytes })
  await pairing.run()
  const [expectedSide, actualSide] = [expected.side, actual.side]
  const { sums: buckets, tally } = pairing
  const isSame = buckets === null ? tally.total === 0 : buckets.differing.length === 0
  const found: Found = isSame
    ? nothing
    : buckets === null
      ? { ...tally.counts, complete: true, ...(await lookAgain(tally.listed, codes, { expected, actual })) }
      : await narrow(expected, actual, { buckets, codes, maxKeys })
  // Without a tolerance, what differed at the first look and not at the second was changed meanwhile.
  const isNear = codes.hasTolerance && found.complete && found.missing + found.extra + found.different === 0
  return {
    equal: (isSame || isNear) && actualSide.rejected === 0,
    expected: expectedSide,
    actual: actualSide,
    ...found,
    durationMs: performance.now() - begun,
  }
}

const nothing = {
  missing: 0,
  extra: 0,
  different: 0,
  changedMeanwhile: false,
  complete: true,
  differences: [],
} as const

function checkOptions(options: VerifyOptions): void {
  checkOptionNames('verify', options, optionNames)
  for (const side of ['expected', 'actual'] as const) {
    const value: unknown = options[side]
    const source =
      typeof value === 'object' && value !== null && isFlow(value as Source) ? (value as Flow<object>).source : value
    if (typeof (source as Partial<Source> | null | undefined)?.connect !== 'function') {
      throw new DroverError('OPTION_INVALID', `verify: ${side} is a source or a flow, not ${shown(value)}.`)
    }
  }
  if (options.readsBackAs !== undefined && typeof options.readsBackAs !== 'function')
    throw new DroverError(
      'OPTION_INVALID',
      `verify: readsBackAs is a function of a record and its key, not ${shown(options.readsBackAs)}.`,
    )
  const keys: readonly unknown[] = Array.isArray(options.key) ? options.key : [options.key]
  if (keys.length === 0) throw new DroverError('OPTION_INVALID', 'verify: key names one or more fields.')
  for (const name of keys) checkText('verify', 'key', name)
  for (const name of ['ignore', 'json'] as const) checkNames(name, options[name])
  checkWholeNumber('verify', 'maxKeys', options.maxKeys, 1)
  const { tolerance, ignore = [], json = [] } = options
  if (tolerance !== undefined) {
    if (typeof tolerance !== 'object' || tolerance === null)
      throw new DroverError('OPTION_INVALID', `verify: tolerance is an object, not ${shown(tolerance)}.`)
    checkOptionNames('verify: tolerance', tolerance, ['default', 'fields'])
    checkTolerance(tolerance, { 'part of the key': keys as string[], ignored: ignore, 'compared as JSON': json })
  }
  const start: unknown = options.runStartedAt
  if (start !== undefined && !(start instanceof Date && !Number.isNaN(start.getTime()))) {
    throw new DroverError('OPTION_INVALID', `verify: runStartedAt is a Date, not ${shown(start)}.`)
  }
  const ignoredKey = keys.find((name) => options.ignore?.includes(name as string))
  if (ignoredKey !== undefined) {
    throw new DroverError('OPTION_INVALID', `verify: the key field "${ignoredKey}" cannot be ignored.`)
  }
}

function checkNames(option: string, names: unknown): void {
  if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string'))) return
  throw new DroverError('OPTION_INVALID', `verify: ${option} is an array of field names, not ${shown(names)}.`)
}
