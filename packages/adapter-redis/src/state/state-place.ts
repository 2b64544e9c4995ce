import { ownMark } from './own-keys.js'

/** Under which keys state is kept. */
export interface StatePlace {
  /**
   * Stands before `drover:v1:` in the names of all keys, for applications that share a database.
   *
   * @default ''
   */
  readonly keyPrefix?: string | undefined
  /**
   * What stands between the braces of all keys, so that they lie in one slot of a cluster.
   *
   * @default 'drover'
   */
  readonly hashTag?: string | undefined
}

export const statePlaceOptions = ['keyPrefix', 'hashTag'] as const

/** The key of one run: a hash that holds what is known of it, and for each partition its fence, position and lease. */
export function positionKey(place: StatePlace, run: string): string {
  return stateKey(place, `run:${run}`)
}

/** A key of Drover's own. */
export function stateKey({ keyPrefix = '', hashTag = 'drover' }: StatePlace, name: string): string {
  return `${keyPrefix}${ownMark}{${hashTag}}:${name}`
}
