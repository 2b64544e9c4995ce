import { type Flow, type Row, transformer } from '@drover/core'

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

/** The steps between source and sink, and what comes of them if nobody disturbs the run. */
export interface Journey<R extends Row = Head> {
  readonly through: (heads: Flow<R>) => Flow<Row>
  readonly arrived: (heads: readonly R[]) => readonly Row[]
  /** The keys of the dead letters. */
  readonly lost: (heads: readonly R[]) => readonly unknown[]
}

/** Every eleventh stays behind, some become two, some cannot go. */
export const walk: Journey = {
  through: (heads) => heads.filter(isKept).pipe(step),
  arrived: (heads) => heads.filter((head) => isKept(head) && !isLame(head)).flatMap(step),
  lost: (heads) => heads.filter((head) => isKept(head) && isLame(head)).map(({ id }) => [id]),
}

function isKept({ id }: Head): boolean {
  return id % 11 !== 0
}

function isLame({ id }: Head): boolean {
  return id % 97 === 0
}

function step(head: Head): Row | readonly Row[] {
  if (isLame(head)) throw new Error('It cannot walk.')
  const row = { ...head, part: 0, text: head.text.toUpperCase() }
  return head.id % 7 === 0 ? [row, { ...row, part: 1 }] : row
}

/** All go, as they are. */
export const ride: Journey = {
  through: (heads) => heads as Flow<Row>,
  arrived: (heads) => heads,
  lost: () => [],
}

/** All go, and the step says which field it changes. */
export const sing: Journey = {
  through: (heads) => heads.pipe(louder),
  arrived: (heads) => heads.map(loud),
  lost: () => [],
}

const loud = <R extends Pick<Head, 'text'>>(head: R): R => ({ ...head, text: head.text.toUpperCase() })
const louder = transformer({ name: 'louder', reads: ['text'], writes: ['text'], transform: (head: Head) => loud(head) })
