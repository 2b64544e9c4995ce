import type { PointId, WirePoint } from './wire-point.js'

/** One answer of a scroll. */
export interface ScrollPage {
  readonly count: number
  /** Of the answer, as it came. */
  readonly bytes: number
  /** Of all points, in the order of the answer; known without decoding anything else. */
  readonly ids: readonly PointId[]
  /** Where the server would go on; null at the end. */
  readonly next: PointId | null
  /** Bytes of that point in the answer, without decoding it: pages are cut by them. */
  sizeOf(place: number): number
  /** Decoded when it is asked for, and only then; asked twice, it is the same object. */
  point(place: number): WirePoint
  /** All of them. */
  points(): readonly WirePoint[]
}
