import type { Count } from '../contracts/source.js'
import type { Forecast, Interval } from './dry-run-report.js'

/** What was measured on some records. */
export interface Measured {
  /** Until both stores were connected, and the source had said what it holds. */
  readonly openingMs: number
  /** What a new process had to do once, such as compiling its steps. */
  readonly firstMs: number
  readonly records: number
  /** Reading and transforming them. */
  readonly readMs: number
  /** Null if writing was not tried. */
  readonly writing: { readonly rows: number; readonly durationMs: number } | null
  /** Rows of these records. */
  readonly rows: number
  readonly bytes: number
  /** Bytes of a record here and there over the source, each a mean of its place. */
  readonly recordBytes: readonly number[]
}

export interface Asked {
  readonly count: Count
  readonly batchSize: number
  readonly parallel: number
  readonly recordsPerSecond: number | undefined
}

/** How much faster or slower the run may be than what was measured: other work on the machine, caches, indexes that grow. */
const faster = 0.5
const slower = 1.7
/** What opening, claiming and finishing cost beyond what connecting did. */
const openings = { low: 0.5, high: 3 }
const settlingMs = 600
/** Waiting for a disk, and a position, with each batch. */
const commitMs = { low: 0.2, high: 25 }
/** How much longer than reading a sink may take of which nothing is known. */
const unknownSink = 10

/** Between a run in which writing is hidden behind reading, and one in which each waits for the other. */
export function forecast(measured: Measured, { count, batchSize, parallel, recordsPerSecond }: Asked): Forecast {
  const { records, readMs, rows, writing } = measured
  const perRecord = records === 0 ? 0 : readMs / records
  const rowsPerRecord = records === 0 ? 1 : rows / records
  const perRow = writing === null || writing.rows === 0 ? 0 : writing.durationMs / writing.rows
  const write = perRow * rowsPerRecord
  const size = sizes(measured)
  const counted = count.exact ? { low: count.value, high: count.value } : around(count.value, 0.2)
  const isKnown = writing !== null
  const work = {
    low: counted.low * Math.max(perRecord, write) * faster * Math.min(1, size.low),
    high: counted.high * (isKnown ? perRecord + write : perRecord * unknownSink) * slower * Math.max(1, size.high),
  }
  const batches = (value: number): number => Math.ceil(value / batchSize)
  const low = measured.openingMs * openings.low + work.low / parallel + batches(counted.low) * commitMs.low
  const high =
    measured.openingMs * openings.high +
    measured.firstMs +
    settlingMs +
    work.high +
    batches(counted.high) * (isKnown ? commitMs.high : commitMs.high * 4)
  const ceiling = recordsPerSecond === undefined || recordsPerSecond === 0 ? 0 : 1000 / recordsPerSecond
  const mean = records === 0 ? 0 : measured.bytes / records
  return {
    durationMs: { low: Math.max(low, counted.low * ceiling), high: Math.max(high, counted.high * ceiling * 1.2) },
    bytes: { low: counted.low * mean * size.low * 0.9, high: counted.high * mean * size.high * 1.1 },
    includesWriting: isKnown,
  }
}

/** How large records are elsewhere, against those that were measured. */
function sizes({ bytes, records, recordBytes }: Measured): Interval {
  const here = records === 0 ? 0 : bytes / records
  const elsewhere = recordBytes.filter((value) => value > 0)
  if (here === 0 || elsewhere.length === 0) return { low: 1, high: 1 }
  const mean = elsewhere.reduce((sum, value) => sum + value, 0) / elsewhere.length
  const deviation = Math.sqrt(elsewhere.reduce((sum, value) => sum + (value - mean) ** 2, 0) / elsewhere.length)
  const error = (2 * deviation) / Math.sqrt(elsewhere.length)
  return { low: Math.max(0, Math.min(here, mean - error)) / here, high: Math.max(here, mean + error) / here }
}

function around(value: number, share: number): Interval {
  return { low: value * (1 - share), high: value * (1 + share) }
}
