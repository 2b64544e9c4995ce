import { DroverError } from '@drover/core'
import type { ThriftFields, ThriftValue } from './thrift.js'

/** Reads and changes fields of Parquet's structs; `what` they belong to is for messages. */

export function numberAt(fields: ThriftFields, id: number, what: string): number {
  const value = optionalNumber(fields, id, what)
  if (value === undefined) throw missing(what, id)
  return value
}

/** Whole numbers of any size; those beyond 2^53 are no offset, length or count of a file that exists. */
export function optionalNumber(fields: ThriftFields, id: number, what: string): number | undefined {
  const value = fields.get(id)
  if (value === undefined) return undefined
  if (value.kind === 'i16' || value.kind === 'i32' || value.kind === 'i8') return value.value
  if (value.kind !== 'i64') throw wrong(what, id, 'a number', value)
  const number = Number(value.value)
  if (!Number.isSafeInteger(number)) throw wrong(what, id, 'a number below 2^53', value)
  return number
}

export function optionalText(fields: ThriftFields, id: number, what: string): string | undefined {
  const value = fields.get(id)
  if (value === undefined) return undefined
  if (value.kind !== 'binary') throw wrong(what, id, 'text', value)
  return new TextDecoder().decode(value.value)
}

export function optionalStruct(fields: ThriftFields, id: number, what: string): ThriftFields | undefined {
  const value = fields.get(id)
  if (value === undefined) return undefined
  if (value.kind !== 'struct') throw wrong(what, id, 'a struct', value)
  return value.fields
}

/** The structs of a list; none if there is no such field. */
export function structsAt(fields: ThriftFields, id: number, what: string): readonly ThriftFields[] {
  const value = fields.get(id)
  if (value === undefined) return []
  if (value.kind !== 'list') throw wrong(what, id, 'a list', value)
  return value.items.map((item) => {
    if (item.kind !== 'struct') throw wrong(what, id, 'a list of structs', item)
    return item.fields
  })
}

/** The fields with some set anew, or left out where the value is `undefined`; in the order of their numbers, as writers write them. */
export function withFields(
  fields: ThriftFields,
  changes: Readonly<Record<number, ThriftValue | undefined>>,
): ThriftFields {
  const changed = new Map(fields)
  for (const [id, value] of Object.entries(changes)) {
    if (value === undefined) changed.delete(Number(id))
    else changed.set(Number(id), value)
  }
  return new Map([...changed].sort(([a], [b]) => a - b))
}

export function structList(items: readonly ThriftFields[]): ThriftValue {
  return { kind: 'list', of: 12, items: items.map((fields) => ({ kind: 'struct', fields })) }
}

export function i32(value: number): ThriftValue {
  return { kind: 'i32', value }
}

export function i64(value: number): ThriftValue {
  return { kind: 'i64', value: BigInt(value) }
}

export function text(value: string): ThriftValue {
  return { kind: 'binary', value: new TextEncoder().encode(value) }
}

function missing(what: string, id: number): DroverError {
  return new DroverError('SOURCE_INVALID', `${what} cannot be read: field ${id} is missing.`)
}

function wrong(what: string, id: number, expected: string, value: ThriftValue): DroverError {
  return new DroverError('SOURCE_INVALID', `${what} cannot be read: field ${id} is not ${expected} but ${value.kind}.`)
}
