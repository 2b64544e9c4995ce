import { DroverError, type Field, type LogicalType, type RecordSchema, suggestNames } from '@drover/core'
import { nullablePaths, withNullable } from '../columns/nullable-paths.js'
import { typeName } from '../columns/type-names.js'
import type { ColumnNode } from './column-node.js'
import type { ListedFile } from './list-files.js'
import { restoredType } from './restored-type.js'

/** What is asked of the columns of a set. */
export interface SchemaWishes {
  readonly columns: readonly string[] | undefined
  /** Types that the user named. */
  readonly types: ReadonlyMap<string, LogicalType>
  readonly key: readonly string[] | undefined
}

/** A column of the set as it is read. */
export interface SetField {
  readonly field: Field
  /** Its values stand in the names of folders. */
  readonly isFolder: boolean
}

export interface SetSchema {
  readonly fields: readonly SetField[]
  readonly key: readonly string[]
}

interface Found {
  readonly name: string
  /** Fields inside of structs may be null if they may in one of the files. */
  type: LogicalType
  readonly native: string | undefined
  nullable: boolean
  readonly first: string
}

/** Puts the schema of a set together, file by file. */
export class SchemaMerger {
  readonly #columns = new Map<string, Found>()
  #folders: readonly string[] | undefined
  #first = ''
  /** Columns that a file lacks, with the first such file. */
  readonly #lacking = new Map<string, string>()
  #files = 0

  constructor(private readonly wishes: SchemaWishes) {}

  /** @throws `SOURCE_INVALID` if the file does not fit those before it */
  add(file: ListedFile, columns: readonly ColumnNode[]): void {
    const folders = [...file.partition.keys()]
    this.#folders ??= folders
    if (this.#files === 0) this.#first = file.path
    if (folders.length !== this.#folders.length || folders.some((name) => !this.#folders?.includes(name))) {
      const say = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))
      throw invalid(
        `${file.path}: the names of its folders give the columns ${say(folders)}, and those of ${this.#first} ${say(this.#folders)}. Read them one by one.`,
      )
    }
    for (const node of columns) {
      if (!this.#isWanted(node.name)) continue
      const found = this.#columns.get(node.name)
      if (found === undefined || found.native === 'NULL') {
        if (found === undefined && this.#files > 0) this.#lacking.set(node.name, this.#first)
        const nullable = node.nullable || (found?.nullable ?? false)
        this.#columns.set(node.name, {
          name: node.name,
          type: node.type,
          native: node.native,
          nullable,
          first: file.path,
        })
        continue
      }
      const [type, before] = [typeName(node.type), typeName(found.type)]
      if (type !== before && node.native !== 'NULL') {
        throw invalid(
          `${file.path}: its column "${node.name}" is ${type}, and that of ${found.first} is ${before}. Read them one by one, or leave the column out with columns.`,
        )
      }
      const { type: both = found.type, nullable = true } = withNullable([found], nullablePaths([node]))[0] ?? {}
      found.type = both
      found.nullable = nullable
    }
    const names = new Set(columns.map(({ name }) => name))
    for (const name of this.#columns.keys())
      if (!names.has(name) && !this.#lacking.has(name)) this.#lacking.set(name, file.path)
    this.#files++
  }

  /** @param declared What the manifest or a footer says of the records. */
  schema(declared: RecordSchema | null, where: string): SetSchema {
    for (const [name, path] of this.#lacking) {
      const found = this.#columns.get(name)
      if (found?.nullable === false) {
        throw invalid(
          `${path} has no column "${name}", which is never null in ${found.first}. Leave it out with columns, or read the files one by one.`,
        )
      }
    }
    const known = new Map(declared?.fields.map((field) => [field.name, field]))
    const fields = [...this.#columns].map(([name, found]): SetField => {
      return { field: this.#field(name, found, known.get(name), where), isFolder: false }
    })
    for (const name of this.#folders ?? declaredFolders(declared, this.#columns)) {
      if (this.#columns.has(name) || !this.#isWanted(name)) continue
      const type = this.wishes.types.get(name) ?? known.get(name)?.type ?? { kind: 'text' }
      fields.push({ field: { ...known.get(name), name, type, nullable: true }, isFolder: true })
    }
    return { fields: this.#inOrder(fields, where), key: this.#key(fields, declared?.key ?? [], where) }
  }

  #field(name: string, found: Found, declared: Field | undefined, where: string): Field {
    const { nullable } = found
    const named = this.wishes.types.get(name)
    if (named !== undefined) {
      const type = restoredType(found.type, named)
      if (type === null)
        throw new DroverError(
          'OPTION_INVALID',
          `${where}: types: "${name}" is ${typeName(found.type)} and cannot be read as ${typeName(named)}.`,
        )
      return { name, type, nullable }
    }
    const type = declared === undefined ? null : restoredType(found.type, declared.type)
    if (declared !== undefined && type !== null) return { ...declared, type, nullable }
    return { name, type: found.type, nullable }
  }

  #isWanted(name: string): boolean {
    return this.wishes.columns?.includes(name) ?? true
  }

  #inOrder(fields: readonly SetField[], where: string): readonly SetField[] {
    const { columns, types } = this.wishes
    const names = fields.map(({ field }) => field.name)
    for (const name of [...(columns ?? []), ...types.keys()]) {
      if (!names.includes(name) && (columns?.includes(name) ?? true)) throw unknown(where, name, names)
    }
    return columns === undefined
      ? fields
      : [...fields].sort((a, b) => columns.indexOf(a.field.name) - columns.indexOf(b.field.name))
  }

  #key(fields: readonly SetField[], declared: readonly string[], where: string): readonly string[] {
    const names = fields.map(({ field }) => field.name)
    const { key } = this.wishes
    if (key === undefined) return declared.every((name) => names.includes(name)) ? declared : []
    for (const name of key) if (!names.includes(name)) throw unknown(`${where}: key`, name, names)
    return key
  }
}

/** Without a file, the manifest alone says what there would be. */
function declaredFolders(declared: RecordSchema | null, columns: ReadonlyMap<string, unknown>): string[] {
  return (declared?.fields ?? []).map(({ name }) => name).filter((name) => !columns.has(name))
}

function unknown(where: string, name: string, names: readonly string[]): DroverError {
  return new DroverError('NAME_UNKNOWN', `${where}: there is no column "${name}"${suggestNames(name, names)}`)
}

function invalid(message: string): DroverError {
  return new DroverError('SOURCE_INVALID', message)
}
