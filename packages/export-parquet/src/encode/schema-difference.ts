import { type NullablePaths, nullablePath } from '../columns/nullable-paths.js'
import { elementField, fileField } from './metadata.js'
import { readThrift, type ThriftFields, type ThriftValue } from './thrift.js'
import { optionalNumber, optionalStruct, optionalText, structsAt } from './thrift-fields.js'

export interface SchemaDifference {
  /** As what is said behind the name of the file. */
  readonly is: string
  /** It is all right but for this: what is written may be null where nothing there is. */
  readonly isOfNulls: boolean
}

/**
 * Why row groups of the columns of `ours` cannot be added to a file with those of `existing`; `null` if they can. Both as `readFooterOf` and
 * `GroupEncoder.schema` give them.
 */
export function schemaDifference(existing: Uint8Array, ours: Uint8Array): SchemaDifference | null {
  const theirs = columnsOf(existing)
  const mine = columnsOf(ours)
  const extra = [...theirs].find(([key]) => !mine.has(key))?.[1]
  if (extra !== undefined) return different(`has a column ${extra.shown}, which is not written`)
  let ofNulls: SchemaDifference | undefined
  for (const [key, { shown, repetition, type }] of mine) {
    const there = theirs.get(key)
    if (there === undefined) return different(`has no column ${shown}`)
    if (there.type !== type || (there.repetition === 'repeated') !== (repetition === 'repeated')) {
      return different(`holds ${there.repetition} ${there.type} in its column ${shown}, not ${repetition} ${type}`)
    }
    if (there.repetition === repetition) continue
    ofNulls ??=
      repetition === 'optional'
        ? {
            is: `has no place for a null in its column ${shown}, and what is written may be null there`,
            isOfNulls: true,
          }
        : different(`may have nulls in its column ${shown}, and what is written has no place for one`)
  }
  const order = [...theirs.values()].map(({ shown }) => shown)
  if ([...theirs.keys()].some((key, i) => key !== [...mine.keys()][i])) {
    return different(`has its columns in another order: ${order.join(', ')}`)
  }
  return ofNulls ?? null
}

function different(is: string): SchemaDifference {
  return { is, isOfNulls: false }
}

/** The columns of a file that are never null, by name. */
export function requiredColumns(schema: Uint8Array): ReadonlySet<string> {
  const columns = [...columnsOf(schema).values()].filter(
    ({ path, repetition }) => path.length === 1 && repetition === 'required',
  )
  return new Set(columns.flatMap(({ path }) => path))
}

/** What may be null in a file. */
export function optionalColumns(schema: Uint8Array): NullablePaths {
  return new Set([...columnsOf(schema)].flatMap(([key, { repetition }]) => (repetition === 'optional' ? [key] : [])))
}

const what = 'The description of the columns'

interface Element {
  readonly path: readonly string[]
  readonly shown: string
  readonly repetition: string
  readonly type: string
}

/** Every element below the root by its path. */
function columnsOf(schema: Uint8Array): Map<string, Element> {
  const [root, ...elements] = structsAt(readThrift(schema, what).fields, fileField.schema, what)
  const columns = new Map<string, Element>()
  let at = 0
  const take = (count: number, path: readonly string[]): void => {
    for (let i = 0; i < count; i++) {
      const element = elements[at++]
      if (element === undefined) return
      const own = [...path, optionalText(element, elementField.name, what) ?? '']
      const repetition = repetitions[optionalNumber(element, elementField.repetition, what) ?? 0] ?? 'repeated'
      columns.set(nullablePath(own), { path: own, shown: own.join('.'), repetition, type: typeOf(element) })
      take(optionalNumber(element, elementField.children, what) ?? 0, own)
    }
  }
  take(root === undefined ? 0 : (optionalNumber(root, elementField.children, what) ?? 0), [])
  return columns
}

const physical = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY']
const repetitions = ['required', 'optional', 'repeated']

function typeOf(element: ThriftFields): string {
  const number = (id: number): number | undefined => optionalNumber(element, id, what)
  const type = number(elementField.type)
  const length = number(elementField.typeLength)
  const base = type === undefined ? 'a group' : (physical[type] ?? `type ${type}`)
  const sized = type === 7 ? `${base}(${length})` : base
  const meaning = annotation(element)
  // A number of the width of its physical type, with a sign, is what it is without an annotation too.
  const plain = meaning === 'INTEGER(32,true)' ? 'INT32' : meaning === 'INTEGER(64,true)' ? 'INT64' : undefined
  return meaning === undefined || plain === base ? sized : `${sized} ${meaning}`
}

const logical = new Map([
  [1, 'STRING'],
  [2, 'MAP'],
  [3, 'LIST'],
  [4, 'ENUM'],
  [5, 'DECIMAL'],
  [6, 'DATE'],
  [7, 'TIME'],
  [8, 'TIMESTAMP'],
  [10, 'INTEGER'],
  [11, 'UNKNOWN'],
  [12, 'JSON'],
  [13, 'BSON'],
  [14, 'UUID'],
  [15, 'FLOAT16'],
])

/** What older writers say instead, by its number. DECIMAL (5) has its digits beside it. */
const converted = new Map([
  [0, 'STRING'],
  [1, 'MAP'],
  [3, 'LIST'],
  [4, 'ENUM'],
  [6, 'DATE'],
  [7, 'TIME(true,1)'],
  [8, 'TIME(true,2)'],
  [9, 'TIMESTAMP(true,1)'],
  [10, 'TIMESTAMP(true,2)'],
  [11, 'INTEGER(8,false)'],
  [12, 'INTEGER(16,false)'],
  [13, 'INTEGER(32,false)'],
  [14, 'INTEGER(64,false)'],
  [15, 'INTEGER(8,true)'],
  [16, 'INTEGER(16,true)'],
  [17, 'INTEGER(32,true)'],
  [18, 'INTEGER(64,true)'],
  [19, 'JSON'],
  [20, 'BSON'],
  [21, 'INTERVAL'],
])

function annotation(element: ThriftFields): string | undefined {
  const union = optionalStruct(element, elementField.logicalType, what)
  const [kind, value] = [...(union ?? [])][0] ?? []
  if (kind !== undefined) {
    const name = logical.get(kind) ?? `logical type ${kind}`
    const details = value?.kind === 'struct' ? [...value.fields.values()].map(detail) : []
    if (kind === 5) details.reverse()
    return details.length === 0 ? name : `${name}(${details.join(',')})`
  }
  const older = optionalNumber(element, elementField.convertedType, what)
  if (older === undefined) return undefined
  if (older !== 5) return converted.get(older) ?? `converted type ${older}`
  const digits = [elementField.precision, elementField.scale].map((id) => optionalNumber(element, id, what) ?? 0)
  return `DECIMAL(${digits.join(',')})`
}

function detail(value: ThriftValue): string {
  switch (value.kind) {
    case 'bool':
      return String(value.byte === 1)
    case 'i8':
    case 'i16':
    case 'i32':
      return String(value.value)
    // A union, such as the unit of a time: which of its members there is.
    case 'struct':
      return [...value.fields.keys()].join()
    default:
      return value.kind
  }
}
