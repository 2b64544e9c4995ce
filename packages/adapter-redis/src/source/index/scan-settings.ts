import type { RedisType } from '../redis-record.js'

/** Which keys are looked for. */
export interface ScanSettings {
  /** A glob of `SCAN`; null is all keys. */
  readonly match: string | null
  /** Only keys of this type. */
  readonly type: RedisType | null
  /** About how many keys a server looks at for one answer. */
  readonly scanCount: number
}

/** What makes a pattern of a text: these stand for themselves then. */
const special = /[\\*?[\]]/g

/** The pattern of all keys that begin with a text; null if that is all of them. */
export function patternOf(keyPrefix: string): string | null {
  return keyPrefix === '' ? null : `${keyPrefix.replace(special, '\\$&')}*`
}

/** What follows the cursor in `SCAN`. */
export function scanArguments({ match, type, scanCount }: ScanSettings): (string | number)[] {
  return [
    ...(match === null ? [] : ['MATCH', match]),
    'COUNT',
    scanCount,
    ...(type === null ? [] : ['TYPE', type === 'json' ? 'ReJSON-RL' : type]),
  ]
}
