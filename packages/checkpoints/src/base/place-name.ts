import { DroverError, pathName, redactSecrets } from '@drover/core'
import type { StorePlace } from '../layouts/store-place.js'

/** A store as reports and fingerprints name it, before it is opened: without user, password and key. */
export function placeName(place: StorePlace): string {
  switch (place.type) {
    case 'sqlite':
      return `sqlite ${pathName(place.filename.replace(/^sqlite:\/{3}/, ''))}`
    case 'qdrant':
      return `qdrant ${urlName(place.url ?? process.env.QDRANT_URL ?? 'http://localhost:6333')} ${place.collection}`
    default:
      return `${place.type} ${connectionName(place.connection)}`
  }
}

/**
 * The place, if it is one of that type.
 *
 * @throws `OPTION_INVALID`
 */
export function placeOfType<T extends StorePlace['type']>(
  where: string,
  place: StorePlace,
  type: T,
): Extract<StorePlace, { readonly type: T }> {
  if (place.type === type) return place as Extract<StorePlace, { readonly type: T }>
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: this layout lies in ${type}, and the place given is of the type ${place.type}.`,
  )
}

function connectionName(connection: string | object): string {
  if (typeof connection === 'string') return urlName(connection)
  const { connectionString, url, host, port, database, db } = connection as Readonly<Record<string, unknown>>
  const text = connectionString ?? url
  if (typeof text === 'string') return urlName(text)
  if (host === undefined && database === undefined) return 'the given client'
  const address = `${String(host ?? 'localhost')}${port === undefined ? '' : `:${String(port)}`}`
  const name = database ?? db
  return name === undefined ? address : `${address}/${String(name)}`
}

function urlName(text: string): string {
  try {
    const { host, pathname } = new URL(text)
    return `${host}${pathname === '/' ? '' : pathname}`
  } catch {
    return redactSecrets(text)
  }
}
