import { DroverError } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import type { SchemaStatus } from '../contracts/migrator.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import type { Glance } from '../journal/journal.js'

/** Where a database stands: its journal beside the revisions of the code. */
export class Standing {
  /** At their end. Those that the code does not know are among them. */
  readonly applied: ReadonlySet<string>
  /** Not at their end, up or down. */
  readonly interrupted: readonly Glance[]
  /** In the journal and not in the code. */
  readonly unknown: readonly Glance[]
  readonly #entries: ReadonlyMap<string, Glance>

  constructor(
    readonly graph: RevisionGraph,
    readonly entries: readonly Glance[],
    /** Of the database, for messages. */
    readonly name: string,
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.revision, entry]))
    this.interrupted = entries.filter(({ status }) => status !== 'applied')
    this.applied = new Set(entries.filter(({ status }) => status === 'applied').map(({ revision }) => revision))
    this.unknown = entries.filter(({ revision }) => !graph.has(revision))
  }

  get(revision: string): Glance | undefined {
    return this.#entries.get(revision)
  }

  /** Applied, and known to the code. */
  get known(): ReadonlySet<string> {
    return new Set([...this.applied].filter((id) => this.graph.has(id)))
  }

  get pending(): readonly Migration[] {
    return this.graph.order.filter(({ id }) => !this.applied.has(id))
  }

  /** Applied ones that no applied one depends on. */
  get current(): readonly string[] {
    const below = new Set(
      this.entries.filter(({ status }) => status === 'applied').flatMap(({ dependsOn }) => dependsOn),
    )
    return this.entries
      .filter(({ revision }) => this.applied.has(revision) && !below.has(revision))
      .map(({ revision }) => revision)
  }

  get status(): SchemaStatus {
    return {
      current: this.current,
      heads: this.graph.heads,
      pending: this.pending.map(({ id }) => id),
      unknown: this.unknown.map(({ revision }) => revision),
      interrupted: this.interrupted.map(({ revision }) => revision),
    }
  }

  /** What the journal says must be possible. @throws `JOURNAL_INVALID` */
  checkWhole(): void {
    for (const { revision, status } of this.entries) {
      if (status !== 'applied' || !this.graph.has(revision)) continue
      const missing = this.graph.parents(revision).filter((parent) => !this.#entries.has(parent))
      if (missing.length === 0) continue
      throw new DroverError(
        'JOURNAL_INVALID',
        `The journal of ${this.name} says that ${revision} is applied, and not ${missing.join(' and ')}, on which it depends. Somebody has edited the journal, or dependsOn. If the database has what ${missing.join(' and ')} does, say so with "drover schema stamp"; else take ${revision} out of the journal.`,
      )
    }
  }

  /**
   * Revisions that the code does not know must say that older releases may work with them.
   *
   * @returns The unknown ones.
   * @throws `SCHEMA_AHEAD`
   */
  checkAhead(): readonly string[] {
    const bad = this.unknown.filter(({ isCompatible, status }) => !isCompatible || status !== 'applied')
    if (bad.length === 0) return this.unknown.map(({ revision }) => revision)
    throw this.#ahead(
      `${names(bad)} ${bad.length === 1 ? 'is' : 'are'} not known to this release, and the journal does not say that it may work with ${bad.length === 1 ? 'it' : 'them'}.`,
    )
  }

  /** Whoever applies something has to know all that is there. @throws `SCHEMA_AHEAD` */
  checkNothingUnknown(what: string): void {
    if (this.unknown.length === 0) return
    throw this.#ahead(
      `${names(this.unknown)} ${this.unknown.length === 1 ? 'is' : 'are'} not known to this release, so it cannot ${what}: it does not know what of its own they have replaced.`,
    )
  }

  /** @param gone What is to be taken back. @throws `SCHEMA_AHEAD` if something unknown depends on it */
  checkNothingAbove(gone: readonly string[]): void {
    const going = new Set(gone)
    // In the order of application, so what is above something unknown is seen behind it.
    const above = this.unknown.filter(({ revision, dependsOn }) => {
      const isAbove = dependsOn.some((parent) => going.has(parent))
      if (isAbove) going.add(revision)
      return isAbove
    })
    if (above.length === 0) return
    throw this.#ahead(`${names(above)}, of another release, depends on what is to be taken back.`)
  }

  #ahead(what: string): DroverError {
    return new DroverError(
      'SCHEMA_AHEAD',
      `${this.name} is ahead of this release: ${what} Start the newer release here, or take its revisions back with that release first ("drover schema down").`,
    )
  }
}

function names(entries: readonly Glance[]): string {
  return entries.map(({ revision }) => revision).join(', ')
}
