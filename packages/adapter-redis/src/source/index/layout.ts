/** Keys are laid out by the upper bits of their hashes: a few buckets at a time are sorted when they are read. */
export const buckets = 2048

/** So many hashes are in one. */
export const bucketSpan = 2 ** 32 / buckets

/** In front of the bytes of each key: its hash, and its length. */
export const headerBytes = 8

/** Where the buckets of keys are that were laid out together. */
export interface Layout {
  /** Of bucket i from `starts[i]` up to `starts[i + 1]`. */
  readonly starts: Uint32Array
  readonly count: number
}

/** In which bucket keys with this hash are. */
export function bucketOf(hash: number): number {
  return Math.floor(hash / bucketSpan)
}
