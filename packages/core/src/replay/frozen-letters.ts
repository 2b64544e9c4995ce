import type { Partition } from '../contracts/position.js'
import { DroverError } from '../errors/drover-error.js'

/** Bytes by the name of a letter file. */
export type Watermarks = Readonly<Record<string, number>>

/** The letters that a replay is of: what it takes from each file. Stored as the bounds of its partition, and never decided again. */
export interface FrozenLetters {
  /** Where earlier replays ended. */
  readonly from: Watermarks
  /** Where this one ends. Files that are not named are left alone. */
  readonly to: Watermarks
  /** The run of the pipeline whose letters this replay takes, and, by run, that of earlier replays. */
  readonly replayed: string
  readonly replays: Readonly<Record<string, string>>
}

/** The one partition of a replay. It has a start, so that sinks of files go on where they end. */
export function frozenPartition({ from, to, replayed, replays }: FrozenLetters): Partition {
  return { id: 'all', bounds: { from, to, replayed, replays }, start: '' }
}

/** @throws `STATE_INVALID` */
export function frozenOf({ bounds }: Partition): FrozenLetters {
  const { from, to, replayed, replays } = Object(bounds) as Partial<FrozenLetters>
  if (isMap(from) && isMap(to) && typeof replayed === 'string' && isMap(replays)) return { from, to, replayed, replays }
  throw new DroverError(
    'STATE_INVALID',
    'The stored run is none that replay() began, though it has the name of one. Give the pipeline that has it another name.',
  )
}

function isMap<T>(value: T | undefined): value is T {
  return typeof value === 'object' && value !== null
}
