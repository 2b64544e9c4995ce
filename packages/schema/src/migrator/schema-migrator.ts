import type { Operation } from '@drover/core'
import type { JournalEntry, JournalEvent } from '../contracts/journal.js'
import type { Migration } from '../contracts/migration.js'
import type {
  DownOptions,
  EnsureOptions,
  EnsureReport,
  MigrationReport,
  Migrator,
  SchemaStatus,
  Target,
  UpOptions,
} from '../contracts/migrator.js'
import type { Plan } from '../contracts/plan.js'
import { RevisionGraph } from '../graph/revision-graph.js'
import { adopt } from './adopt.js'
import { down } from './down.js'
import { refuseEdited } from './edited.js'
import { ensure } from './ensure.js'
import { makePlan } from './make-plan.js'
import { repair } from './repair.js'
import type { Tools } from './session.js'
import { stamp } from './stamp.js'
import { readAnywhere, readOn, standingOf } from './standing-of.js'
import { up } from './up.js'

/** What a migrator does, with a database that is opened when it is needed first. */
export class SchemaMigrator implements Migrator {
  readonly migrations: readonly Migration[]
  readonly #graph: RevisionGraph
  readonly #open: () => Promise<Tools>
  #tools: Promise<Tools> | undefined

  /** @throws `GRAPH_INVALID` */
  constructor(migrations: readonly Migration[], open: () => Promise<Tools>) {
    this.#graph = new RevisionGraph(migrations)
    this.migrations = this.#graph.order
    this.#open = open
  }

  async status(given: Partial<Operation> = {}): Promise<SchemaStatus> {
    const { tools, operation } = await this.#begin(given)
    return (await standingOf(this.#graph, tools, readAnywhere(tools.database, operation))).status
  }

  /** What was applied, in that order, then what was not. */
  async history(given: Partial<Operation> = {}): Promise<readonly (JournalEntry | Migration)[]> {
    const { tools, operation } = await this.#begin(given)
    const entries = await tools.journal.entries(readAnywhere(tools.database, operation))
    const known = new Set(entries.map(({ revision }) => revision))
    return [...entries, ...this.#graph.order.filter(({ id }) => !known.has(id))]
  }

  async events(given: Partial<Operation> = {}): Promise<readonly JournalEvent[]> {
    const { tools, operation } = await this.#begin(given)
    return tools.journal.events(readAnywhere(tools.database, operation))
  }

  async plan(direction: 'up' | 'down', target?: Target, given: Partial<Operation> = {}): Promise<Plan> {
    const { tools, operation } = await this.#begin(given)
    await using connection = await tools.database.connect(operation)
    const read = readOn(connection)
    const standing = await standingOf(this.#graph, tools, read)
    standing.checkWhole()
    await refuseEdited(standing, tools.recordings, tools.journal, read)
    const revisions =
      direction === 'up'
        ? this.#graph.pathUp(target ?? 'head', standing.known)
        : this.#graph.pathDown(target ?? '-1', standing.known)
    return await makePlan(revisions, direction, tools.recordings, connection)
  }

  async up(options: UpOptions = {}): Promise<MigrationReport> {
    const { tools, operation } = await this.#begin(options)
    return up(this.#graph, tools, options, operation)
  }

  async down(options: DownOptions): Promise<MigrationReport> {
    const { tools, operation } = await this.#begin(options)
    return down(this.#graph, tools, options, operation)
  }

  async stamp(
    target: Target,
    options: Partial<Operation> & { readonly origin?: 'stamped' | 'baseline' } = {},
  ): Promise<void> {
    const { tools, operation } = await this.#begin(options)
    await stamp(this.#graph, tools, target, options.origin ?? 'stamped', operation)
  }

  async adopt(options: Parameters<Migrator['adopt']>[0]): Promise<readonly string[]> {
    const { tools, operation } = await this.#begin(options)
    return adopt(this.#graph, tools, options, operation)
  }

  async repair(revision: string, as: Parameters<Migrator['repair']>[1], given: Partial<Operation> = {}): Promise<void> {
    const { tools, operation } = await this.#begin(given)
    await repair(this.#graph, tools, revision, as, operation)
  }

  async ensure(options: EnsureOptions): Promise<EnsureReport> {
    const { tools, operation } = await this.#begin(options)
    return ensure(this.#graph, tools, options, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = this.#tools
    this.#tools = undefined
    // Whether it could be opened was told to whoever asked.
    const tools = await opened?.catch(() => undefined)
    await tools?.database[Symbol.asyncDispose]()
  }

  async #begin({ signal = new AbortController().signal }: Partial<Operation>) {
    this.#tools ??= this.#open().catch((error: unknown) => {
      this.#tools = undefined
      throw error
    })
    return { tools: await this.#tools, operation: { signal } }
  }
}
