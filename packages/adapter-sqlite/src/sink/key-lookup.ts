import { DroverError } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { sameName } from '../schema/table.js'
import type { ConflictPolicy } from './conflict.js'
import type { Shape } from './shapes.js'

/** Where the key stands among the columns of a shape. */
export interface KeyPlaces {
  readonly places: readonly number[]
  /** Whether a row with the key is there. */
  readonly sql: string
}

/** @throws `RECORD_REFUSED` if rows of this shape lack a field of the key. */
export function keyPlaces(policy: ConflictPolicy, shape: Shape, table: string): KeyPlaces {
  const places = policy.key.map((name) => {
    const place = shape.columns.findIndex((column) => sameName(column.name, name))
    if (place < 0)
      throw new DroverError('RECORD_REFUSED', `the record has no field "${name}", which is part of the key`)
    return place
  })
  const equal = policy.key.map((name) => `${quoteName(name)} = ?`).join(' AND ')
  return { places, sql: `SELECT 1 FROM main.${quoteName(table)} WHERE ${equal}` }
}

/** Null is no key: rows with it would pile up, whatever the policy says. @throws `RECORD_REFUSED` */
export function checkKeyValues(values: readonly SqliteValue[], { places }: KeyPlaces, shape: Shape): void {
  for (const place of places) {
    if (values[place] === null) {
      throw new DroverError('RECORD_REFUSED', `the field "${shape.fields[place]}" is null, and it is part of the key`)
    }
  }
}
