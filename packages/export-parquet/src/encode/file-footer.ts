import { type OpenGroup, openGroup, type PlacedGroup } from './group-footer.js'
import { inSlices } from './in-slices.js'
import { fileField, groupField, keyValueField } from './metadata.js'
import { type ByteRange, withIndexPlaces } from './relocate.js'
import { readThrift, type ThriftFields, type ThriftValue, writeThrift } from './thrift.js'
import { i64, optionalText, structList, structsAt, text, withFields } from './thrift-fields.js'

const magic = new TextEncoder().encode('PAR1')

/** What a Parquet file begins with. */
export const fileHeader: Uint8Array = magic

/** What the footer says of the file as a whole. */
export interface FileDescription {
  /** From `GroupEncoder.schema`, or of a file that is appended to. */
  readonly schema: Uint8Array
  /** Key-value metadata; replaces what `schema` holds under the same key. */
  readonly keyValues?: Readonly<Record<string, string>>
  /** Length of the file so far: the footer stands there. */
  readonly at: number
}

const what = 'The description of the columns'

/**
 * All that comes behind the last column chunk: page indexes, metadata, its length, `PAR1`. `groups` in the order of the file; a file
 * without any is valid.
 */
export async function fileFooter(groups: readonly PlacedGroup[], file: FileDescription): Promise<Uint8Array> {
  const opened = await inSlices(groups, openGroup)
  const parts: Uint8Array[] = []
  let end = file.at
  const place = (bytes: Uint8Array | undefined): ByteRange | undefined => {
    if (bytes === undefined) return undefined
    parts.push(bytes)
    end += bytes.length
    return { at: end - bytes.length, length: bytes.length }
  }
  // All column indexes stand before the first offset index: https://parquet.apache.org/docs/file-format/pageindex/
  const columnIndexes = opened.map(({ columns }) => columns.map(({ columnIndex }) => place(columnIndex)))
  const offsetIndexes = opened.map(({ columns }) => columns.map(({ offsetIndex }) => place(offsetIndex)))
  const placed = (group: OpenGroup, g: number): ThriftFields => {
    const columns = group.columns.map(({ fields }, c) =>
      withIndexPlaces(fields, { columnIndex: columnIndexes[g]?.[c], offsetIndex: offsetIndexes[g]?.[c] }),
    )
    return withFields(group.fields, {
      [groupField.columns]: structList(columns),
      [groupField.ordinal]: ordinal(g, groups.length),
    })
  }
  const written = await inSlices(opened, (group, g) => writeThrift(placed(group, g)))
  const { fields } = readThrift(file.schema, what)
  const metadata = writeThrift(
    withFields(fields, {
      [fileField.rows]: i64(groups.reduce((rows, { footer }) => rows + footer.rows, 0)),
      [fileField.groups]: { kind: 'list', of: 12, items: written.map((bytes) => ({ kind: 'written', bytes })) },
      [fileField.keyValues]: mergedKeyValues(fields, file.keyValues ?? {}),
    }),
  )
  const tail = new Uint8Array(8)
  new DataView(tail.buffer).setUint32(0, metadata.length, true)
  tail.set(magic, 4)
  return Buffer.concat([...parts, metadata, tail])
}

/** Sixteen bits: either all groups have one, or, if there are too many, none. parquet-rs refuses a mixture. */
function ordinal(place: number, groups: number): ThriftValue | undefined {
  return groups > 32_768 ? undefined : { kind: 'i16', value: place }
}

function mergedKeyValues(fields: ThriftFields, added: Readonly<Record<string, string>>): ThriftValue | undefined {
  const kept = structsAt(fields, fileField.keyValues, what).filter(
    (entry) => !Object.hasOwn(added, optionalText(entry, keyValueField.key, what) ?? ''),
  )
  const entries = Object.entries(added).map(
    ([key, value]): ThriftFields =>
      new Map([
        [keyValueField.key, text(key)],
        [keyValueField.value, text(value)],
      ]),
  )
  return kept.length + entries.length === 0 ? undefined : structList([...kept, ...entries])
}
