import { checkText, DroverError, shown } from '@drover/core'
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
  return `${keyPrefix}${ownMark}${hashTag}}:${name}`
}

/** @throws `OPTION_INVALID` */
export function checkStatePlace(where: string, { keyPrefix, hashTag }: StatePlace): void {
  if (keyPrefix !== undefined && typeof keyPrefix !== 'string') {
    throw new DroverError('OPTION_INVALID', `${where}: keyPrefix is a text, not ${shown(keyPrefix)}.`)
  }
  // The first braces of a key are those that count: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
  if (keyPrefix?.includes('{') === true) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: keyPrefix ${shown(keyPrefix)} holds a brace, and all keys of a run have to be in one slot of a cluster: pass what stands in it as hashTag.`,
    )
  }
  if (hashTag === undefined) return
  checkText(where, 'hashTag', hashTag)
  if (/[{}]/.test(hashTag)) {
    throw new DroverError('OPTION_INVALID', `${where}: hashTag ${shown(hashTag)} holds a brace; leave the braces out.`)
  }
}
