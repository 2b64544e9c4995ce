import { createHash } from 'node:crypto'
import { DroverError, type Field, type LogicalType, type RecordSchema } from '@drover/core'
import { damaged } from './damaged.js'
import { FileBytes, type ReadMeter } from './file-bytes.js'
import { type Footer, readFooter } from './footer.js'
import { type ListedFile, listFiles } from './list-files.js'
import { SchemaMerger, type SchemaWishes, type SetSchema } from './set-schema.js'

/** A file of a set, with what is kept of its footer: sets may have thousands of them. */
export interface SetFile extends ListedFile {
  readonly print: string
  readonly groups: readonly { readonly rows: number; readonly bytes: number }[]
}

/** A file that is open, and what its footer says. */
export interface OpenFile extends AsyncDisposable {
  readonly bytes: FileBytes
  readonly footer: Footer
}

/** The files that are read as one, as they were when it was opened. */
export class FileSet {
  private constructor(
    readonly path: string,
    readonly files: readonly SetFile[],
    readonly schema: SetSchema,
    /** A manifest says which files they are, and in which order. */
    readonly isListed: boolean,
    private readonly meter: ReadMeter | undefined,
  ) {}

  static async open(
    path: string,
    options: SchemaWishes & { readonly usesManifest: boolean },
    signal: AbortSignal,
    meter?: ReadMeter,
  ): Promise<FileSet> {
    const listing = await listFiles(path, options.usesManifest)
    const merger = new SchemaMerger(options)
    const files: SetFile[] = []
    let declared: RecordSchema | null = listing.manifest?.schema ?? null
    for (const file of listing.files) {
      signal.throwIfAborted()
      await using opened = await openFile(file, meter)
      const { columns, groups, print, rows, metadata } = opened.footer
      if (file.rows !== undefined && file.rows !== rows) {
        throw new DroverError(
          'SOURCE_INVALID',
          `${file.path} has ${rows} records, and its manifest says ${file.rows}. Write the data set anew, or use manifest: 'ignore'.`,
        )
      }
      merger.add(file, columns)
      declared ??= declaredSchema(metadata('drover.schema'))
      const sizes = groups.map((group) => ({ rows: Number(group.num_rows), bytes: Number(group.total_byte_size) }))
      files.push({ ...file, print, groups: sizes })
    }
    return new FileSet(path, files, merger.schema(declared, 'parquetSource'), listing.manifest !== null, meter)
  }

  get rows(): number {
    return this.files.reduce((sum, { groups }) => groups.reduce((rows, group) => rows + group.rows, sum), 0)
  }

  /** @throws `SOURCE_INVALID` if it is not what it was when the set was opened */
  async openFile(file: SetFile): Promise<OpenFile> {
    const opened = await openFile(file, this.meter)
    if (opened.bytes.size === file.size && opened.footer.print === file.print) return opened
    await opened[Symbol.asyncDispose]()
    throw new DroverError('SOURCE_INVALID', `${file.path} was replaced while the set was read. Begin a new run.`)
  }

  /** One short text for the files from one place to another: what a cursor remembers of them. */
  digest(from: number, to: number): string {
    const hash = createHash('sha256')
    for (const { name, size, print } of this.files.slice(from, to)) hash.update(`${name}\n${size}\n${print}\n`)
    return hash.digest('hex').slice(0, 16)
  }
}

async function openFile(file: ListedFile, meter: ReadMeter | undefined): Promise<OpenFile> {
  const bytes = await FileBytes.open(file.path, meter)
  try {
    const footer = await readFooter(bytes)
    return { bytes, footer, [Symbol.asyncDispose]: () => bytes[Symbol.asyncDispose]() }
  } catch (error) {
    await bytes[Symbol.asyncDispose]()
    throw damaged(file.path, error)
  }
}

/** What our sink wrote of the records; null if it is none that this version understands. */
function declaredSchema(text: string | undefined): RecordSchema | null {
  if (text === undefined) return null
  try {
    const schema = JSON.parse(text) as Partial<RecordSchema> | null
    const { fields, key = [] } = schema ?? {}
    return Array.isArray(fields) && fields.every(isField) && Array.isArray(key) ? { fields, key } : null
  } catch {
    return null
  }
}

function isField(field: Partial<Field> | null): boolean {
  return typeof field?.name === 'string' && isType(field.type)
}

/** Whether it has what is looked at; a kind that nobody knows is no column's. */
function isType(type: Partial<LogicalType> | null | undefined): boolean {
  if (typeof type?.kind !== 'string') return false
  if (type.kind === 'list') return isType(type.of)
  return type.kind !== 'struct' || (Array.isArray(type.fields) && type.fields.every(isField))
}
