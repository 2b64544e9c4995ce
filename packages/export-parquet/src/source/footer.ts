import { createHash } from 'node:crypto'
import { DroverError } from '@drover/core'
import { type FileMetaData, parquetMetadata, parquetSchema, type RowGroup } from 'hyparquet'
import { type ColumnNode, columnsOf, type LeafNode, leavesOf } from './column-node.js'
import { damaged } from './damaged.js'
import type { FileBytes } from './file-bytes.js'
import { rawParsers } from './raw-parsers.js'

/** What the end of a file says of it. */
export interface Footer {
  readonly columns: readonly ColumnNode[]
  readonly groups: readonly RowGroup[]
  readonly rows: number
  /** Value of a key in the file's metadata. */
  metadata(key: string): string | undefined
  /** Changes with anything the footer says. */
  readonly print: string
}

/** Read at once from the end: most footers are shorter. */
const tailBytes = 64 * 1024
const magic = 'PAR1'

/** @throws `SOURCE_INVALID` for what is not Parquet, is cut short, encrypted, or contradicts itself */
export async function readFooter(file: FileBytes): Promise<Footer> {
  const bytes = await footerBytes(file)
  try {
    const metadata = parquetMetadata(bytes, { parsers: rawParsers, geoparquet: false })
    const columns = columnsOf(parquetSchema(metadata))
    checkGroups(metadata, columns.flatMap(leavesOf))
    const pairs = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]))
    const print = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
    return {
      columns,
      groups: metadata.row_groups,
      rows: Number(metadata.num_rows),
      metadata: (key) => pairs.get(key),
      print,
    }
  } catch (error) {
    throw damaged(`${file.path}: its footer`, error)
  }
}

async function footerBytes(file: FileBytes): Promise<Buffer> {
  const { path, size } = file
  if (size === 0) throw invalid(path, 'is empty: a Parquet file has a footer, also one without records')
  if (size < 12) throw invalid(path, 'is no Parquet file: it is too short to be one')
  const tail = await file.read(Math.max(0, size - tailBytes), size)
  const end = tail.toString('latin1', tail.length - 4)
  if (end === 'PARE') throw invalid(path, 'is encrypted, which Drover does not read: write it without encryption')
  if (end !== magic) {
    const start = (await file.read(0, 4)).toString('latin1')
    const is =
      start === magic ? 'is cut short: it begins as a Parquet file, and does not end as one' : 'is no Parquet file'
    throw invalid(path, is)
  }
  const length = tail.readUInt32LE(tail.length - 8) + 8
  if (length > size - 4) throw invalid(path, 'is damaged: its footer is said to be longer than the file')
  return length <= tail.length ? tail.subarray(tail.length - length) : await file.read(size - length, size)
}

/** Counts that contradict each other are found before a record is read. */
function checkGroups({ row_groups: groups, num_rows: total }: FileMetaData, leaves: readonly LeafNode[]): void {
  let rows = 0
  for (const [i, group] of groups.entries()) {
    const count = Number(group.num_rows)
    if (!Number.isSafeInteger(count) || count < 0)
      throw new Error(`row group ${i} is said to have ${group.num_rows} records`)
    if (group.columns.length !== leaves.length) {
      throw new Error(`row group ${i} has ${group.columns.length} columns, and the schema ${leaves.length}`)
    }
    for (const leaf of leaves) {
      const { meta_data: chunk, file_path: elsewhere } = group.columns[leaf.index] ?? {}
      if (elsewhere !== undefined) throw new Error(`the columns of row group ${i} stand in another file (${elsewhere})`)
      if (chunk === undefined) continue // Encrypted, or not there: said when it is read.
      const values = Number(chunk.num_values)
      if (leaf.repeated === 0 ? values !== count : values < count) {
        throw new Error(`row group ${i} has ${count} records, and its column "${leaf.path.join('.')}" ${values} values`)
      }
    }
    rows += count
  }
  if (rows !== Number(total)) throw new Error(`its row groups have ${rows} records, and the file ${total}`)
}

function invalid(path: string, is: string): DroverError {
  return new DroverError('SOURCE_INVALID', `${path} ${is}.`)
}
