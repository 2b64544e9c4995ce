import type { Filter } from '../contracts/filter.js'
import type { Page } from '../contracts/page.js'
import type { SourceSession } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import type { Chain } from '../engine/chain.js'
import type { HeldPage, Rejection } from '../engine/held-page.js'
import { PageReader } from '../engine/page-reader.js'
import type { TransformContext } from '../flow/transformer.js'

export interface Measuring {
  readonly session: SourceSession
  readonly source: string
  readonly chain: Chain
  readonly filter: Filter | undefined
  readonly context: TransformContext
  /** What the sink takes as it is. */
  readonly forms: () => readonly string[] | undefined
  readonly takes: (page: Page<Row>) => boolean
  /** Records that are enough: a batch of the run. */
  readonly records: number
}

/** The beginning of a source, read and transformed as a run would. */
export interface Reading {
  readonly pages: readonly Page<Row>[]
  readonly records: number
  readonly rows: number
  readonly bytes: number
  readonly filtered: number
  readonly durationMs: number
  /** How much longer the first pages took than those behind: what is done once. */
  readonly firstMs: number
  readonly rejections: readonly Rejection[]
}

const mostMs = 2_000
const mostBytes = 32 * 1024 * 1024
/** Pages that warm up the code and the caches. */
const firstPages = 2

/** Reads until there is enough, it has taken long, or the source has ended. Pages are kept, to be written. */
export async function readBeginning(options: Measuring): Promise<Reading> {
  const { session, source, chain, filter, context, forms, takes } = options
  const reader = new PageReader({
    session,
    source,
    partition: { id: 'all', bounds: null },
    after: null,
    filter,
    page: { records: 1000, bytes: 4 * 1024 * 1024 },
    aheadBytes: 0, // what is read ahead of the clock is not measured
    chain,
    forms,
    takes,
    context,
    retrying: { maxRetries: 3, signal: context.signal },
    bear: () => {},
  })
  const held: HeldPage[] = []
  const begun = performance.now()
  let [records, bytes, firstRecords, firstMs] = [0, 0, 0, 0]
  try {
    while (records < options.records && bytes < mostBytes && performance.now() - begun < mostMs) {
      const page = await reader.next()
      if (page === null) break
      held.push(page)
      records += page.source.count
      bytes += page.source.bytes
      if (held.length === firstPages) [firstRecords, firstMs] = [records, performance.now() - begun]
    }
  } finally {
    await reader.close()
  }
  const whole = performance.now() - begun
  const isWarm = records > firstRecords && firstRecords > 0
  const perRecord = isWarm ? (whole - firstMs) / (records - firstRecords) : 0
  return {
    pages: held.filter(({ rowCount }) => rowCount > 0).map((page) => page.view()),
    records,
    rows: held.reduce((sum, { rowCount }) => sum + rowCount, 0),
    bytes,
    filtered: held.reduce((sum, { filteredCount }) => sum + filteredCount, 0),
    durationMs: isWarm ? perRecord * records : whole,
    firstMs: isWarm ? Math.max(0, firstMs - perRecord * firstRecords) : 0,
    rejections: held.flatMap((page) => page.rejections()),
  }
}
