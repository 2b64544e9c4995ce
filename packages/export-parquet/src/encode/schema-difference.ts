import { elementField, fileField } from './metadata.js'
import { readThrift, type ThriftFields, type ThriftValue } from './thrift.js'
import { optionalNumber, optionalStruct, optionalText, structsAt } from './thrift-fields.js'

/**
 * Why row groups of the columns of `ours` cannot be added to a file with those of `existing`, as what is said behind the name of the file;
 * `null` if they can. Both as `readFooterOf` and `GroupEncoder.schema` give them.
 */
export function schemaDifference(existing: Uint8Array, ours: Uint8Array): string | null {
  const theirs = columnsOf(existing)
  const mine = columnsOf(ours)
  const extra = [...theirs.keys()].find((path) => !mine.has(path))
  if (extra !== undefined) return `has a column ${extra}, which is not written`
  for (const [path, type] of mine) {
    const there = theirs.get(path)
    if (there === undefined) return `has no column ${path}`
    if (there !== type) return `holds ${there} in its column ${path}, not ${type}`
  }
  if ([...theirs.keys()].join('\n') === [...mine.keys()].join('\n')) return null
  return `has its columns in another order: ${[...theirs.keys()].join(', ')}`
}

/** The columns of a file that are never null. */
export function requiredColumns(schema: Uint8Array): ReadonlySet<string> {
  const columns = [...columnsOf(schema)].filter(([, type]) => type.startsWith('required '))
  return new Set(columns.map(([path]) => path))
}

const what = 'The description of the columns'

/** Every element below the root by its path, with its type as text. */
function columnsOf(schema: Uint8Array): Map<string, string> {
  const [root, ...elements] = structsAt(readThrift(schema, what).fields, fileField.schema, what)
  const columns = new Map<string, string>()
  let at = 0
  const take = (count: number, path: readonly string[]): void => {
    for (let i = 0; i < count; i++) {
      const element = elements[at++]
      if (element === undefined) return
      const own = [...path, optionalText(element, elementField.name, what) ?? '']
      columns.set(own.join('.'), typeOf(element))
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
  const annotated = meaning === undefined || plain === base ? sized : `${sized} ${meaning}`
  return `${repetitions[number(elementField.repetition) ?? 0] ?? 'repeated'} ${annotated}`
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
