import type { ReadOptions } from '../contracts/source.js'
import type { JsonValue } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { ArrayStructureError } from './array-scanner.js'
import { ByteStream } from './byte-stream.js'
import { type ElementBlock, elementBlocks, UnfinishedArrayError } from './elements.js'
import type { JsonValues } from './json-values.js'
import { inputError } from './output-error.js'
import { RawRecordsPage } from './raw-records-page.js'

/** A file that holds an array, and where to begin in it. */
export interface ArrayFile {
  /** Stands in cursors. */
  readonly name: string
  readonly path: string
  readonly gzip: boolean | undefined
  readonly values: JsonValues
  /** The array is the member of that name in an object. */
  readonly member?: string | undefined
  /** Fields that identify a record; empty if its place does. */
  readonly key: readonly string[]
  keyOf(index: number): readonly JsonValue[]
  /** Behind so many bytes and elements. */
  readonly from: { readonly offset: number; readonly index: number }
}

/** Reads the elements of an array. @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID`, `STORE_DENIED` */
export async function* readArrayFile(
  file: ArrayFile,
  limits: ReadOptions['page'],
  signal: AbortSignal,
  onConsumed?: (bytes: number) => void,
): AsyncGenerator<RawRecordsPage> {
  const { path, gzip, from, member } = file
  try {
    await using stream = await ByteStream.open({ input: path, path, gzip, from: from.offset, signal })
    let { index } = from
    for await (const block of elementBlocks(stream, from.offset, from.offset > 0, member)) {
      onConsumed?.(stream.consumed)
      for (let first = 0; first < block.starts.length; ) {
        const end = pageEnd(block, first, limits)
        yield pageOf(file, block, { first, end, index })
        index += end - first
        first = end
      }
    }
  } catch (error) {
    throw readError(error, path, member)
  }
}

/** A page ends at so many records or bytes, or at its first record if that is larger. */
function pageEnd({ starts, ends }: ElementBlock, first: number, limits: ReadOptions['page']): number {
  const start = starts[first] as number
  let end = first + 1
  while (end < starts.length && end - first < limits.records && (ends[end] as number) - start <= limits.bytes) end++
  return end
}

function pageOf(
  { name, path, key, values, keyOf }: ArrayFile,
  { bytes, starts, ends, offset }: ElementBlock,
  { first, end, index }: { readonly first: number; readonly end: number; readonly index: number },
): RawRecordsPage {
  return new RawRecordsPage({
    bytes,
    starts: starts.slice(first, end),
    ends: ends.slice(first, end),
    cursor: { file: name, offset: offset + (ends[end - 1] as number), index: index + end - first },
    values,
    key,
    placeOf: (record) => keyOf(index + record),
    nameOf: (record) => `${path}: element ${index + record + 1}`,
  })
}

function readError(error: unknown, path: string, member: string | undefined): unknown {
  if (error instanceof ArrayStructureError) {
    const isOther = error.offset === 0 && member === undefined
    const remedy = isOther ? ' A file with a record per line is read with ndjsonSource.' : ''
    const what = member === undefined ? 'no array of records' : `no object with an array of records in "${member}"`
    const message = `${path} is ${what}: byte ${error.offset} should be ${error.expected}.${remedy}`
    return new DroverError('SOURCE_INVALID', message, { cause: error })
  }
  if (error instanceof UnfinishedArrayError) {
    const message = `${path} ends where ${error.missing} should be. Was it cut off?`
    return new DroverError('SOURCE_INVALID', message, { cause: error })
  }
  return inputError(error, path)
}
