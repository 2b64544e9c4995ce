import { checkChoice, checkOptionNames, checkText, DroverError, shown } from '@drover/core'
import type { LayoutOptions } from '../layouts/layout.js'

const placeOptions = {
  postgres: ['connection'],
  sqlite: ['filename'],
  redis: ['connection'],
  qdrant: ['url', 'apiKey', 'client', 'collection'],
} as const

/**
 * Refuses a place that is none, and options that stores of its type do not have.
 *
 * @throws `OPTION_INVALID`
 */
export function checkPlace(where: string, { place, table, schema, keyPrefix }: LayoutOptions): void {
  if (typeof place !== 'object' || place === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: place says where the store is, as an object with type; it is ${shown(place)}.`,
    )
  }
  checkChoice(where, 'place.type', place.type ?? 'missing', Object.keys(placeOptions))
  checkOptionNames(`${where}, place`, place, ['type', ...placeOptions[place.type]])
  if (place.type === 'sqlite') checkText(where, 'place.filename', place.filename)
  if (place.type === 'qdrant') checkText(where, 'place.collection', place.collection)
  if (place.type === 'postgres' || place.type === 'redis') {
    if (typeof place.connection !== 'object') checkText(where, 'place.connection', place.connection)
  }
  const isSql = place.type === 'postgres' || place.type === 'sqlite'
  refuse(where, 'table', table, isSql, 'a chat history in PostgreSQL or SQLite')
  refuse(where, 'schema', schema, place.type === 'postgres', 'PostgreSQL')
  if (keyPrefix !== undefined && place.type !== 'redis') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: keyPrefix is an option of Redis, and the place is of the type ${place.type}.`,
    )
  }
}

function refuse(where: string, name: string, value: string | undefined, isKnown: boolean, of: string): void {
  if (value === undefined) return
  checkText(where, name, value)
  if (!isKnown) throw new DroverError('OPTION_INVALID', `${where}: ${name} is an option of ${of}.`)
}
