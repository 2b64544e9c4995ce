import { DroverError } from '@drover/core'
import { type EncodedGroup, groupFooter } from './group-footer.js'
import { chunkField, columnField, fileField, groupField } from './metadata.js'
import type { ByteRange } from './relocate.js'
import { readThrift, type ThriftFields } from './thrift.js'
import { numberAt, optionalNumber, optionalStruct, structsAt } from './thrift-fields.js'

const what = 'The row group that parquet-wasm encoded'

/** The column chunks of a file that parquet-wasm wrote with one row group, and what to say of them in the footer of another file. */
export function cutGroup(file: Uint8Array): EncodedGroup {
  const groups = structsAt(metadataOf(file), fileField.groups, what)
  const [group] = groups
  if (group === undefined || groups.length > 1) {
    throw new DroverError('UNEXPECTED', `${what} is a file of ${groups.length} row groups, not of one.`)
  }
  const chunks = chunksOf(group)
  const footer = groupFooter(group, chunks, ({ at, length }) => file.subarray(at, at + length), what)
  return { chunks: file.subarray(chunks.at, chunks.at + chunks.length), rows: footer.rows, footer }
}

/** The metadata at the end of a file that is in memory as a whole. */
export function metadataOf(file: Uint8Array): ThriftFields {
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getUint32(file.length - 8, true)
  return readThrift(file.subarray(file.length - 8 - length, file.length - 8), what).fields
}

/** parquet-wasm writes the chunks of a group one behind the other, the dictionary page of each before its data pages. */
function chunksOf(group: ThriftFields): ByteRange {
  let at = Number.POSITIVE_INFINITY
  let end = 0
  for (const column of structsAt(group, groupField.columns, what)) {
    const metadata = optionalStruct(column, columnField.metadata, what) ?? new Map()
    const dataPage = numberAt(metadata, chunkField.dataPage, what)
    const start = Math.min(dataPage, optionalNumber(metadata, chunkField.dictionaryPage, what) ?? dataPage)
    at = Math.min(at, start)
    end = Math.max(end, start + numberAt(metadata, chunkField.compressedBytes, what))
  }
  return { at, length: end - at }
}
