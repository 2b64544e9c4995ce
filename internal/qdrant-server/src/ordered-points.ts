import { compareIds, type PointId } from './point-id.js'

/** Points by id, which can be read in order from any id on. */
export class OrderedPoints<Point extends { readonly id: PointId }> {
  readonly #points = new Map<PointId, Point>()
  /** In order; ids that were deleted since may stand in it still. */
  #order: PointId[] = []
  #added: PointId[] = []
  #deleted = 0

  get size(): number {
    return this.#points.size
  }

  get(id: PointId): Point | undefined {
    return this.#points.get(id)
  }

  set(point: Point): void {
    if (!this.#points.has(point.id)) this.#added.push(point.id)
    this.#points.set(point.id, point)
  }

  delete(id: PointId): boolean {
    if (!this.#points.delete(id)) return false
    this.#deleted++
    return true
  }

  values(): Iterable<Point> {
    return this.#points.values()
  }

  /** The points with ids not below `from`, in order. */
  *from(from: PointId | null): Generator<Point> {
    this.#settle()
    const order = this.#order
    for (let at = from === null ? 0 : lowerBound(order, from); at < order.length; at++) {
      const id = order[at]
      const point = id === undefined ? undefined : this.#points.get(id)
      if (point !== undefined) yield point
    }
  }

  #settle(): void {
    if (this.#deleted > this.#order.length / 2) {
      this.#order = [...this.#points.keys()].sort(compareIds)
      this.#added = []
      this.#deleted = 0
    }
    if (this.#added.length === 0) return
    this.#order = merged(this.#order, this.#added.sort(compareIds))
    this.#added = []
  }
}

/** Both in order; an id that is in both, or twice in one, is taken once. */
function merged(a: readonly PointId[], b: readonly PointId[]): PointId[] {
  const all: PointId[] = []
  let last: PointId | undefined
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [x, y] = [a[i], b[j]]
    const next = y === undefined || (x !== undefined && compareIds(x, y) <= 0) ? a[i++] : b[j++]
    if (next !== undefined && next !== last) all.push(next)
    last = next
  }
  return all
}

function lowerBound(order: readonly PointId[], id: PointId): number {
  let [low, high] = [0, order.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = order[middle]
    if (at !== undefined && compareIds(at, id) < 0) low = middle + 1
    else high = middle
  }
  return low
}
