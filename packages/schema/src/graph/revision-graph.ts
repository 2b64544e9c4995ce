import { DroverError, suggestNames } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { parentsOf } from '../migration/define-migration.js'
import { pathDown, pathUp, resolveTarget, stampedAt } from './targets.js'

/** Revisions and what depends on what. It never changes. */
export class RevisionGraph {
  /** In an order in which they can be applied: parents first, else as they were given. */
  readonly order: readonly Migration[]
  readonly #byId = new Map<string, Migration>()
  readonly #parents = new Map<string, readonly string[]>()
  readonly #children = new Map<string, string[]>()
  readonly #places: ReadonlyMap<string, number>

  /** @throws `GRAPH_INVALID`: two of one id, a parent that does not exist, a cycle */
  constructor(migrations: readonly Migration[]) {
    for (const migration of migrations) {
      if (this.#byId.has(migration.id))
        throw broken(`Two revisions have the id ${migration.id}. Give one of them another one.`)
      this.#byId.set(migration.id, migration)
      this.#parents.set(migration.id, parentsOf(migration))
      this.#children.set(migration.id, [])
    }
    for (const [id, parents] of this.#parents) {
      for (const parent of parents) {
        const siblings = this.#children.get(parent)
        if (siblings === undefined)
          throw broken(
            `Revision ${id} depends on ${parent}, which does not exist${suggestNames(parent, this.#byId.keys())}`,
          )
        siblings.push(id)
      }
    }
    this.order = this.#sort(migrations)
    this.#places = new Map(this.order.map(({ id }, i) => [id, i]))
  }

  get ids(): readonly string[] {
    return this.order.map(({ id }) => id)
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  /** @throws `REVISION_UNKNOWN` with the nearest ones */
  get(id: string): Migration {
    const found = this.#byId.get(id)
    if (found !== undefined) return found
    throw new DroverError('REVISION_UNKNOWN', `There is no revision ${id}${suggestNames(id, this.#byId.keys())}`)
  }

  parents(id: string): readonly string[] {
    return this.#parents.get(this.get(id).id) ?? []
  }

  children(id: string): readonly string[] {
    return this.#children.get(this.get(id).id) ?? []
  }

  /** On which nothing depends. */
  get heads(): readonly string[] {
    return this.ids.filter((id) => this.#children.get(id)?.length === 0)
  }

  /** That depend on nothing. */
  get roots(): readonly string[] {
    return this.ids.filter((id) => this.#parents.get(id)?.length === 0)
  }

  /** All that these depend on, and they themselves. */
  withAncestors(ids: Iterable<string>): Set<string> {
    return this.#reach(ids, (id) => this.parents(id))
  }

  /** All that depend on these, and they themselves. */
  withDescendants(ids: Iterable<string>): Set<string> {
    return this.#reach(ids, (id) => this.children(id))
  }

  /** Those of these that none of these depends on. What is not in the graph is left out. */
  headsOf(ids: ReadonlySet<string>): readonly string[] {
    return this.sorted(ids).filter((id) => !this.children(id).some((child) => ids.has(child)))
  }

  /** In the order of application. What is not in the graph is left out. */
  sorted(ids: Iterable<string>): readonly string[] {
    const place = (id: string): number => this.#places.get(id) as number
    return [...ids].filter((id) => this.#places.has(id)).sort((a, b) => place(a) - place(b))
  }

  /**
   * What a target means: `head`, `heads`, `base`, an id or the beginning of one, `+n` and `-n` from where the database is, `id+n`, `id-n`.
   *
   * @returns Empty for `base`.
   * @throws `REVISION_UNKNOWN` with the nearest ones, `REVISION_AMBIGUOUS` with what to do
   */
  resolve(target: string, applied: ReadonlySet<string>): readonly string[] {
    return resolveTarget(this, target, applied)
  }

  /** What has to be applied, in order. @throws `REVISION_UNKNOWN`, `REVISION_AMBIGUOUS`, `OPTION_INVALID` */
  pathUp(target: string, applied: ReadonlySet<string>): readonly Migration[] {
    return pathUp(this, target, applied).map((id) => this.get(id))
  }

  /** What has to be taken back, in order. @throws `REVISION_UNKNOWN`, `REVISION_AMBIGUOUS`, `OPTION_INVALID` */
  pathDown(target: string, applied: ReadonlySet<string>): readonly Migration[] {
    return pathDown(this, target, applied).map((id) => this.get(id))
  }

  /** What is applied once the database is said to be at the target. */
  stampedAt(target: string, applied: ReadonlySet<string>): ReadonlySet<string> {
    return stampedAt(this, target, applied)
  }

  #reach(from: Iterable<string>, next: (id: string) => readonly string[]): Set<string> {
    const reached = new Set<string>()
    const open = [...from]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (reached.has(id)) continue
      reached.add(id)
      open.push(...next(id))
    }
    return reached
  }

  #sort(migrations: readonly Migration[]): readonly Migration[] {
    const order: Migration[] = []
    const done = new Set<string>()
    const open = new Set<string>()
    // A stack of its own: a history of thousands in one line must not overflow that of the calls.
    for (const { id: start } of migrations) {
      const stack = [start]
      for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
        if (done.has(id)) {
          stack.pop()
          continue
        }
        const missing = (this.#parents.get(id) ?? []).filter((parent) => !done.has(parent))
        if (missing.length === 0) {
          stack.pop()
          open.delete(id)
          done.add(id)
          order.push(this.get(id))
          continue
        }
        open.add(id)
        if (missing.some((parent) => open.has(parent))) throw broken(this.#cycle(id))
        stack.push(...missing.toReversed())
      }
    }
    return order
  }

  /** @param within A revision that a cycle leads through, or that leads to one. */
  #cycle(within: string): string {
    // What leads to no cycle ends at a root; so following parents that are in or before a cycle comes back at last.
    const way: string[] = []
    const dead = new Set<string>()
    const search = (id: string): string[] | undefined => {
      const at = way.indexOf(id)
      if (at >= 0) return [...way.slice(at), id]
      if (dead.has(id)) return undefined
      way.push(id)
      for (const parent of this.#parents.get(id) ?? []) {
        const found = search(parent)
        if (found !== undefined) return found
      }
      way.pop()
      dead.add(id)
      return undefined
    }
    return `Revisions depend on each other in a circle: ${search(within)?.join(' → ')}. Take one of these dependencies away.`
  }
}

function broken(message: string): DroverError {
  return new DroverError('GRAPH_INVALID', message)
}
