import type { RecordSchema } from '../contracts/schema.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'

/** What a row is marked with, and how one can tell that it is. */
export interface Mark {
  readonly field: string
  readonly gone: unknown
  readonly back: unknown
}

/** @throws `SINK_NOT_READY` */
export function markOf(name: string, { fields }: RecordSchema, at: Date, where: string): Mark {
  const field = fields.find((one) => one.name === name)
  if (field === undefined) {
    const known = fields.map((one) => one.name)
    throw new DroverError(
      'SINK_NOT_READY',
      `${where} has no field "${name}" to mark rows in${suggestNames(name, known)}`,
    )
  }
  const { nullable, type } = field
  switch (type.kind) {
    case 'boolean':
      return { field: name, gone: true, back: nullable ? null : false }
    case 'int':
    case 'float':
    case 'decimal':
      return { field: name, gone: 1, back: nullable ? null : 0 }
    case 'timestamp':
    case 'text':
    case 'any':
      if (nullable) return { field: name, gone: at.toISOString(), back: null }
      throw new DroverError(
        'SINK_NOT_READY',
        `${where}: "${name}" cannot mark rows, since those that are not gone need null in it.`,
      )
    default:
      throw new DroverError(
        'SINK_NOT_READY',
        `${where}: "${name}" cannot mark rows: it is of the kind ${type.kind}, and not a time, a text, a boolean or a number.`,
      )
  }
}

export function isMarked(value: unknown): boolean {
  return value !== null && value !== undefined && value !== false && value !== 0 && value !== 0n && value !== '0'
}
