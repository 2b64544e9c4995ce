import type {
  Database,
  DatabaseSession,
  DatabaseTable,
  TableFindings,
  TableProblem,
  TableWriting,
} from '../contracts/database.js'
import type { ExactSink, SinkOperation } from '../contracts/sink.js'
import type { RunState, StateStore } from '../contracts/state-store.js'
import type { Operation, Row } from '../contracts/values.js'
import { keeping } from '../engine/closing.js'
import { DroverError } from '../errors/drover-error.js'
import type { CopyPlan, Selection } from './copy-plan.js'
import { openSource } from './read-plan.js'
import { TablesWriter } from './tables-writer.js'

export interface TablesSinkOptions extends TableWriting {
  /** The run's name. */
  readonly name: string
  readonly from: Database
  readonly to: Database
  readonly selection: Selection
  readonly again: 'nothing' | 'incremental' | 'full'
  readonly state: StateStore | undefined
}

/** A database as the sink of all tables of another one: each goes into a table of its own, and what holds them together comes last. */
export function tablesSink(options: TablesSinkOptions): ExactSink<Row> {
  const { to, onConflict, foreignKeys } = options
  const isPlain = onConflict === 'error' && foreignKeys
  return {
    specVersion: 1,
    name: to.name,
    ...(isPlain ? {} : { version: JSON.stringify({ onConflict, foreignKeys }) }),
    guarantee: 'exactly-once',
    keyed: onConflict !== 'error',
    ...(to.batchSize === undefined ? {} : { batchSize: to.batchSize }),
    ...(to.limits === undefined ? {} : { limits: to.limits }),
    stateStore: () => to.stateStore(),
    connect: async (operation) => {
      const stored = operation.rehearses === true ? null : await storedRun(options, operation)
      const plan = await planOf(options, stored, operation)
      const session = await to.connect({ ...operation, role: 'to' })
      const ready = async (): Promise<TablesWriter> => {
        const missing = await examined(session, plan, options, stored, operation)
        const writing = { onConflict, foreignKeys }
        return new TablesWriter({ session, tables: plan.tables, missing, writing, operation })
      }
      return keeping(session, ready, () => {}) // the first error says why
    },
  }
}

/** The run that is gone on with, if there is one. */
async function storedRun(options: TablesSinkOptions, operation: Operation): Promise<RunState | null> {
  const { name, again, state, to } = options
  const load = async (store: StateStore): Promise<RunState | null> => store.load(name, operation)
  let stored: RunState | null
  if (state === undefined) {
    await using own = to.stateStore()
    stored = await load(own)
  } else stored = await load(state)
  // One that is complete, and is to be left at that, was not when the attempt began: another process has completed it since.
  return stored?.status === 'completed' && again === 'full' ? null : stored
}

/** What is copied now: of a run that has begun, the tables that it began with. */
async function planOf(
  { from, selection }: TablesSinkOptions,
  stored: RunState | null,
  operation: SinkOperation,
): Promise<CopyPlan> {
  const { session, plan } = await openSource(from, selection, { signal: operation.signal })
  await session[Symbol.asyncDispose]()
  if (stored === null) return plan
  const begun = new Set(stored.partitions.map(({ id }) => id))
  const later = plan.tables.filter(({ name }) => !begun.has(name)).map(({ name }) => `"${name}"`)
  const notes =
    later.length === 0
      ? plan.notes
      : [...plan.notes, `not part of this run, as they came up after it had begun: ${later.join(', ')}.`]
  return {
    tables: plan.tables.filter(({ name }) => begun.has(name)),
    problems: plan.problems.filter(({ table }) => begun.has(table)),
    notes,
  }
}

/** Says what is worth knowing, and gives the tables that are to be created. @throws `TABLES_REFUSED` with all that stands in the way */
async function examined(
  session: DatabaseSession,
  plan: CopyPlan,
  options: TablesSinkOptions,
  stored: RunState | null,
  operation: SinkOperation,
): Promise<readonly string[]> {
  const { name, to, onConflict, foreignKeys } = options
  const { signal, rehearses } = operation
  const examine = (isFresh: boolean): Promise<TableFindings> =>
    session.examine(plan.tables, { signal, onConflict, foreignKeys, isFresh })
  const isFresh = stored === null && rehearses !== true
  let found = await examine(isFresh)
  // Rows that are there may be those of another process, which has begun the same run meanwhile.
  if (isFresh && found.problems.length > 0 && (await storedRun(options, operation)) !== null)
    found = await examine(false)
  for (const message of [...plan.notes, ...found.notes]) operation.warn?.({ code: 'TABLES', message })
  const problems = [...plan.problems, ...found.problems, ...withoutKey(plan.tables, options)]
  if (problems.length === 0) return found.missing
  const listed = problems.map(({ table, problem }) => `\n  "${table}": ${problem}`).join('')
  throw new DroverError(
    'TABLES_REFUSED',
    `${name}: nothing was written to ${to.name}, because of ${problems.length === 1 ? 'a table that cannot be copied as it stands' : 'tables that cannot be copied as they stand'}; mend this, or leave the table out with exclude:${listed}`,
  )
}

function withoutKey(tables: readonly DatabaseTable[], { onConflict }: TablesSinkOptions): TableProblem[] {
  if (onConflict === 'error') return []
  return tables
    .filter(({ key }) => key.length === 0)
    .map(({ name }) => ({
      table: name,
      problem: `it has no primary key, so nothing says which rows are there already; onConflict: 'error' needs none.`,
    }))
}
