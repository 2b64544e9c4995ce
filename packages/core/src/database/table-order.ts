/** Tables, and which others must have their rows before them. */
export type Dependencies = ReadonlyMap<string, readonly string[]>

export interface TableOrder {
  /** Those that others refer to come first, as far as there is such an order. The same for the same tables. */
  readonly order: readonly string[]
  /** Tables that refer to each other, each group once. A table that refers to itself alone is none. */
  readonly cycles: readonly (readonly string[])[]
}

/**
 * Puts tables in the order of their foreign keys. Tables that refer to each other are found as what Tarjan calls strongly connected
 * components: https://doi.org/10.1137/0201010. Without recursion, so that a long chain of tables is no deep stack.
 */
export function tableOrder(tables: Dependencies): TableOrder {
  const names = [...tables.keys()].sort()
  const places = new Map<string, { readonly index: number; low: number; isOpen: boolean }>()
  const open: string[] = []
  const order: string[] = []
  const cycles: string[][] = []
  for (const root of names) {
    if (places.has(root)) continue
    const path = [enter(root)]
    while (path.length > 0) {
      const step = path.at(-1) as Step
      const next = step.left.shift()
      if (next !== undefined) {
        const known = places.get(next)
        if (known === undefined) path.push(enter(next))
        else if (known.isOpen) step.place.low = Math.min(step.place.low, known.index)
        continue
      }
      path.pop()
      const before = path.at(-1)
      if (before !== undefined) before.place.low = Math.min(before.place.low, step.place.low)
      if (step.place.low === step.place.index) leave(step.name)
    }
  }
  return { order, cycles }

  function enter(name: string): Step {
    const place = { index: places.size, low: places.size, isOpen: true }
    places.set(name, place)
    open.push(name)
    const left = (tables.get(name) ?? []).filter((other) => other !== name && tables.has(other))
    return { name, place, left: [...new Set(left)].sort() }
  }

  /** Whatever was opened since belongs together. */
  function leave(name: string): void {
    const group = open.splice(open.lastIndexOf(name))
    for (const member of group) (places.get(member) as { isOpen: boolean }).isOpen = false
    // What was opened last refers to nothing that is not there: of a cycle as much as can be.
    order.push(...group.toReversed())
    if (group.length > 1) cycles.push(group)
  }
}

interface Step {
  readonly name: string
  readonly place: { readonly index: number; low: number; isOpen: boolean }
  readonly left: string[]
}
