import type { Row } from '@drover/core'

/** A record that is easily changed on its way: text beyond ASCII, large integers, fractions, nulls, bytes. */
export interface Head extends Row {
  readonly id: number
  readonly text: string
  readonly big: number | bigint
  readonly score: number | null
  readonly payload: Uint8Array | null
}

/** As many as a run of some hundred milliseconds moves. */
export const herdSize = 2_000

const words = ['grüße', '日本語', '😀', "it's", '"quoted"', 'back\\slash', 'line\nfeed', 'plain', '']

export function herd(random: () => number, count = herdSize): Head[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    text: Array.from({ length: 1 + Math.floor(random() * 6) }, () => words[Math.floor(random() * words.length)]).join(
      ' ',
    ),
    big: random() < 0.5 ? Math.floor(random() * 1_000) : 9_007_199_254_740_993n + BigInt(i),
    score: random() < 0.1 ? null : random() * 100 + 0.5,
    payload:
      random() < 0.8 ? null : Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)),
  }))
}

/** Every eleventh stays behind. */
export function isKept({ id }: Head): boolean {
  return id % 11 !== 0
}

/** Some become two, some cannot go. */
export function walk(head: Head): Row | readonly Row[] {
  if (isLame(head)) throw new Error('It cannot walk.')
  const row = { ...head, part: 0, text: head.text.toUpperCase() }
  return head.id % 7 === 0 ? [row, { ...row, part: 1 }] : row
}

export function isLame({ id }: Pick<Head, 'id'>): boolean {
  return id % 97 === 0
}

/** The rows of a run that nobody disturbed. */
export function arrived(heads: readonly Head[]): Row[] {
  return heads.filter((head) => isKept(head) && !isLame(head)).flatMap((head) => walk(head))
}

/** The keys of its dead letters. */
export function lost(heads: readonly Head[]): unknown[] {
  return heads.filter((head) => isKept(head) && isLame(head)).map(({ id }) => [id])
}
