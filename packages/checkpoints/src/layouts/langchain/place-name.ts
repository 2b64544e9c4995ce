import type { StorePlace } from '../store-place.js'

/** A store as messages and names of runs show it: never a user or a password. */
export function placeName(place: StorePlace): string {
  switch (place.type) {
    case 'sqlite':
      return place.filename
    case 'qdrant':
      return `${plainUrl(place.url ?? 'qdrant')} ${place.collection}`
    default:
      return typeof place.connection === 'string' ? plainUrl(place.connection) : `the given ${place.type}`
  }
}

function plainUrl(text: string): string {
  try {
    const { host, pathname } = new URL(text)
    return `${host}${pathname === '/' ? '' : pathname}`
  } catch {
    return 'a store'
  }
}
