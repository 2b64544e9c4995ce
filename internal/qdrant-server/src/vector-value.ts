import { isObject, type Json, JsonFormError, type JsonObject, type JsonScanner } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { badBody } from './refusal.js'

export interface SparseValue {
  /** Ascending, as they are stored and answered. */
  readonly indices: Uint32Array
  readonly values: Float32Array
}

/** Dense, several dense ones, or sparse. */
export type VectorValue = Float32Array | Float32Array[] | SparseValue

/** By name; the unnamed one has the name ''. */
export type Vectors = Map<string, VectorValue>

export const unnamed = ''

export function isSparse(value: VectorValue): value is SparseValue {
  return !(value instanceof Float32Array) && !Array.isArray(value)
}

/** `VectorStruct` of the API: an unnamed vector, or vectors by name. @throws Refusal */
export function readVectors(scanner: JsonScanner): Vectors {
  return ofForm('VectorStruct', () => {
    if (scanner.peek() === 0x5b) return new Map([[unnamed, readLists(scanner)]])
    const vectors: Vectors = new Map()
    scanner.object((name) => vectors.set(name, readOne(scanner)))
    return vectors
  })
}

/** `Vector` of the API. @throws Refusal */
export function readVector(scanner: JsonScanner): VectorValue {
  return ofForm('Vector', () => readOne(scanner))
}

function readOne(scanner: JsonScanner): VectorValue {
  if (scanner.peek() === 0x5b) return readLists(scanner)
  const fields: { indices?: Json; values?: Float32Array } = {}
  scanner.object((name) => {
    if (name === 'indices') fields.indices = scanner.value()
    else if (name === 'values') fields.values = scanner.floats()
    else throw badBody('vectors of text, images and objects, which a model makes, are not in this server')
  })
  const { indices, values } = fields
  if (!Array.isArray(indices) || values === undefined || !indices.every(isDimension)) {
    throw new JsonFormError('a sparse vector has indices and values')
  }
  return { indices: Uint32Array.from(indices as number[]), values }
}

/** A vector in a body that was read already, such as a query. */
export function vectorOf(value: Json): VectorValue | undefined {
  if (Array.isArray(value)) {
    if (!Array.isArray(value[0])) return floatsOf(value)
    const vectors = value.map((item) => (Array.isArray(item) ? floatsOf(item) : undefined))
    return vectors.includes(undefined) ? undefined : (vectors as Float32Array[])
  }
  return isObject(value) ? sparseOf(value) : undefined
}

export function writeVectors(vectors: Vectors, names: ReadonlySet<string> | null, writer: JsonWriter): void {
  const asked = names === null ? [...vectors] : [...vectors].filter(([name]) => names.has(name))
  const alone = asked.length === 1 ? asked.find(([name]) => name === unnamed) : undefined
  // Beside named ones it has the empty name.
  if (alone !== undefined) {
    writeVector(alone[1], writer)
    return
  }
  let separator = '{'
  for (const [name, value] of asked) {
    writer.raw(`${separator}${JSON.stringify(name)}:`)
    writeVector(value, writer)
    separator = ','
  }
  writer.raw(separator === '{' ? '{}' : '}')
}

function writeVector(value: VectorValue, writer: JsonWriter): void {
  if (value instanceof Float32Array) writer.floats(value)
  else if (Array.isArray(value)) writer.list(value, (item) => writer.floats(item))
  else writer.raw('{"indices":').integers(value.indices).raw(',"values":').floats(value.values).raw('}')
}

function readLists(scanner: JsonScanner): VectorValue {
  if (!scanner.nests()) return scanner.floats()
  const vectors: Float32Array[] = []
  scanner.list(() => vectors.push(scanner.floats()))
  return vectors
}

function floatsOf(list: readonly Json[]): Float32Array | undefined {
  const numbers = list.map((item) => (typeof item === 'object' && item !== null && 'value' in item ? item.value : item))
  return numbers.every((item) => typeof item === 'number') ? Float32Array.from(numbers as number[]) : undefined
}

function sparseOf({ indices, values }: JsonObject): SparseValue | undefined {
  if (!Array.isArray(indices) || !Array.isArray(values) || !indices.every(isDimension)) return undefined
  const floats = floatsOf(values)
  return floats && { indices: Uint32Array.from(indices as number[]), values: floats }
}

function isDimension(value: Json): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32
}

function ofForm<T>(type: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof JsonFormError) throw badBody(`data did not match any variant of untagged enum ${type}`)
    throw error
  }
}
