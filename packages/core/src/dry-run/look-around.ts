import type { Filter } from '../contracts/filter.js'
import type { Page } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { SourceSession } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import type { Chain } from '../engine/chain.js'
import { HeldPage, type Rejection } from '../engine/held-page.js'
import type { RecordPage } from '../engine/record-page.js'
import type { TransformContext } from '../flow/transformer.js'
import type { SampledRecord } from './dry-run-report.js'

export interface LookAround {
  readonly session: SourceSession
  readonly chain: Chain
  readonly filter: Filter | undefined
  readonly context: TransformContext
  /** Records wanted. */
  readonly records: number
}

/** Records from all over a source. */
export interface Sample {
  readonly records: readonly SampledRecord[]
  /** As the sink would get them. */
  readonly pages: readonly Page<Row>[]
  readonly looked: number
  readonly filtered: number
  readonly rejections: readonly Rejection[]
  /** Bytes of a record, place by place. */
  readonly recordBytes: readonly number[]
}

/** A place in which filters leave nothing is not searched for ever. */
const mostPages = 5
const pageBytes = 1024 * 1024

/** Takes the first records of so many parts of the source, as they are and as the steps make them. */
export async function lookAround(options: LookAround): Promise<Sample> {
  const { records: wanted } = options
  const parts = await partsOf(options)
  const all = { records: [] as SampledRecord[], pages: [] as Page<Row>[], rejections: [] as Rejection[] }
  const recordBytes: number[] = []
  let looked = 0
  let filtered = 0
  for (const [i, partition] of parts.entries()) {
    // What an empty part leaves is taken in the next one.
    const due = Math.ceil((wanted * (i + 1)) / parts.length) - all.records.length
    let left = due
    for await (const { page, made, before } of readPart(options, partition, due)) {
      const held = new HeldPage(page, made)
      looked += page.count
      filtered += held.filteredCount
      all.rejections.push(...held.rejections())
      if (before.length > 0) recordBytes.push(page.bytes / page.count)
      if (made.rows().length > 0) all.pages.push(held.view())
      const sampled = sampledOf(page, made, before)
      all.records.push(...sampled)
      left -= sampled.length
      if (left <= 0) break
    }
  }
  return { ...all, looked, filtered, recordBytes }
}

/** A partition of a source that knows none is all of it, and its first records have to do. */
async function partsOf({ session, filter, records, context }: LookAround): Promise<readonly Partition[]> {
  const whole: readonly Partition[] = [{ id: 'all', bounds: null }]
  if (session.partition === undefined || records < 2) return whole
  const { signal } = context
  const parts = await session.partition({ signal, count: records, ...(filter === undefined ? {} : { filter }) })
  return parts.length === 0 ? whole : parts
}

interface ReadPage {
  readonly page: Page<Row>
  readonly made: RecordPage
  /** The records before the steps, which may change them in place. */
  readonly before: readonly Row[]
}

async function* readPart(
  { session, chain, filter, context }: LookAround,
  partition: Partition,
  records: number,
): AsyncGenerator<ReadPage> {
  let pages = 0
  const { signal } = context
  const read = session.read({
    signal,
    partition,
    after: null,
    page: { records: Math.max(1, records), bytes: pageBytes },
    forms: [],
    ...(filter === undefined ? {} : { filter }),
  })
  for await (const page of read) {
    const before = page.rows().map(copyOf)
    yield { page, made: await chain.run(page, context), before }
    if (++pages === mostPages) return
  }
}

function sampledOf(page: Page<Row>, made: RecordPage, before: readonly Row[]): SampledRecord[] {
  const after = new Map<number, Row[]>()
  for (const [i, row] of made.rows().entries()) {
    const owner = made.ownerOf(i)
    after.set(owner, [...(after.get(owner) ?? []), row])
  }
  const keys = page.keys()
  return before.map((record, i) => ({ key: keys[i]?.source ?? [], before: record, after: after.get(i) ?? [] }))
}

function copyOf(record: Row): Row {
  try {
    return structuredClone(record)
  } catch {
    return { ...record } // it holds something, such as a function, that has no copy
  }
}
