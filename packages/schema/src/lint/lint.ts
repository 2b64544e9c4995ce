import { isDropByRebuild } from '../changes/drop-columns.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Dialect, Migration } from '../contracts/migration.js'
import type { Finding } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { type Action, actionsOf } from '../sql/actions.js'
import { judge, type Surroundings, type Verdict } from './rules.js'

/** What is known of the database; nothing, for a preview. */
export interface LintFacts {
  readonly catalog: Catalog
  /** By the catalog's names; tables that nobody counted are left out. */
  readonly rows: ReadonlyMap<string, number>
}

/** Statements of these helpers are safe together, and are judged as one. */
const judgedWhole = ['rebuildTable', 'archiveTable', 'changeEnum']

/** Finds what is unsafe in the steps that a revision would take upwards, on a database that is in use. */
export function lint(
  migration: Migration,
  steps: readonly RecordedStep[],
  dialect: Dialect,
  facts?: LintFacts,
): Finding[] {
  const about = new RevisionSoFar(migration, dialect, facts)
  const rebuilds =
    dialect === 'sqlite' &&
    steps.some(
      (step) =>
        (step.kind !== 'backfill' && step.by?.startsWith('rebuildTable ')) ||
        (facts !== undefined && isDropByRebuild(step, facts.catalog)),
    )
  const findings: Finding[] = []
  const add = (step: number, verdict: Verdict): void => {
    const assured = migration.assured?.[verdict.rule]
    const known = findings.some(({ rule, message }) => rule === verdict.rule && message === verdict.message)
    if (!known)
      findings.push({ ...verdict, revision: migration.id, step, ...(assured === undefined ? {} : { assured }) })
  }
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'backfill') continue
    const { helper, table } = helperOf(step.by)
    if (step.kind === 'unseen') {
      if (helper === 'rebuildTable' && !about.isNew(table)) add(at, rebuilt(table, dialect))
      continue
    }
    const actions = actionsOf(step.sql, dialect)
    if (helper === 'rebuildTable' && !about.isNew(table)) add(at, rebuilt(table, dialect))
    if (rebuilds && !judgedWhole.includes(helper)) {
      for (const action of actions) if (action.kind === 'change-rows') add(at, withoutKeys(action.table, action.by))
    }
    for (const action of actions) {
      const verdict = judgedWhole.includes(helper) ? undefined : (about.usedAtOnce(step.sql) ?? judge(action, about))
      if (verdict !== undefined) add(at, verdict)
    }
    if (actions.length === 0) {
      const verdict = about.usedAtOnce(step.sql)
      if (verdict !== undefined) add(at, verdict)
    }
    about.note(step, actions)
  }
  return findings
}

/** What stops a plan: what is refused, and neither assured by its author nor allowed by who runs it. */
export function refusedOf(findings: readonly Finding[], allowed: readonly string[] = []): Finding[] {
  return findings.filter(
    ({ severity, assured, rule }) => severity === 'refuse' && assured === undefined && !allowed.includes(rule),
  )
}

function rebuilt(table: string, dialect: Dialect): Verdict {
  return {
    rule: 'table-rebuilt',
    severity: dialect === 'postgres' ? 'refuse' : 'warn',
    message: `${table} is copied into a new table while ${dialect === 'postgres' ? 'nobody can use it' : 'nobody can write to the database'}.`,
  }
}

function withoutKeys(table: string, by: 'update' | 'delete' | 'replace'): Verdict {
  return {
    rule: 'foreign-keys-off-with-changes',
    // A key that others refer to is seldom changed; a row that they refer to is gone when it is deleted.
    severity: by === 'update' ? 'warn' : 'refuse',
    message: `Rows of ${table} are ${by}d while foreign keys are off because a table is rebuilt: nothing cascades. Do it in a revision of its own.`,
  }
}

/** Follows a revision step by step. */
class RevisionSoFar implements Surroundings {
  readonly #made = new Set<string>()
  readonly #archived = new Set<string>()
  readonly #checks = new Map<string, string>()
  readonly #validated = new Set<string>()
  readonly #newEnumValues: string[] = []

  constructor(
    readonly migration: Migration,
    readonly dialect: Dialect,
    private readonly facts: LintFacts | undefined,
  ) {}

  isNew(table: string): boolean {
    return this.#made.has(plain(table)) || this.rowsOf(table) === 0
  }

  rowsOf(table: string): number | undefined {
    const found = [...(this.facts?.rows ?? [])].find(([name]) => plain(name) === plain(table))
    return found?.[1]
  }

  isArchived(table: string): boolean {
    return this.#archived.has(plain(table))
  }

  typeOf(table: string, column: string): string | undefined {
    const found = this.facts?.catalog.tables.find(({ name }) => plain(name) === plain(table))
    return found?.columns.find(({ name }) => plain(name) === plain(column))?.type
  }

  isChecked(table: string, column: string): boolean {
    const holds = (expression: string): boolean => {
      const text = expression
        .replaceAll('"', '')
        .replaceAll(/[()\s]+/g, ' ')
        .trim()
        .toLowerCase()
      return text === `${plain(column)} is not null`
    }
    const stored = this.facts?.catalog.tables.find(({ name }) => plain(name) === plain(table))?.checks ?? []
    if (stored.some(({ expression, isValid }) => isValid && holds(expression))) return true
    return [...this.#checks].some(
      ([id, text]) => this.#validated.has(id) && id.startsWith(`${plain(table)} `) && holds(text),
    )
  }

  /** PostgreSQL refuses a new value of an enum in the transaction that adds it. */
  usedAtOnce(sql: string): Verdict | undefined {
    if (this.dialect !== 'postgres' || this.migration.transaction === 'none') return undefined
    const value = this.#newEnumValues.find((each) => sql.includes(`'${each.replaceAll("'", "''")}'`))
    if (value === undefined) return undefined
    return {
      rule: 'enum-value-used-at-once',
      severity: 'refuse',
      message: `The value '${value}' is added and used in one transaction, which PostgreSQL refuses: add it in a revision before this one.`,
    }
  }

  note(step: RecordedStep & { readonly kind: 'sql' }, actions: readonly Action[]): void {
    const { helper, table } = helperOf(step.by)
    if (helper === 'archiveTable') this.#archived.add(plain(table))
    for (const action of actions) {
      if (action.kind === 'create-table' && !action.isIfMissing) this.#made.add(plain(action.table))
      if (action.kind === 'rename-table') {
        // Another table may have the name now.
        if (this.#made.delete(plain(action.table))) this.#made.add(plain(action.to))
        else this.#made.delete(plain(action.to))
      }
      if (action.kind === 'add-constraint' && action.of === 'check') {
        const id = `${plain(action.table)} ${action.name}`
        this.#checks.set(id, action.text.replace(/\bnot\s+valid\s*$/i, ''))
        if (!action.isNotValid) this.#validated.add(id)
      }
      if (action.kind === 'validate-constraint') this.#validated.add(`${plain(action.table)} ${action.name}`)
      if (action.kind === 'add-enum-value') this.#newEnumValues.push(action.value)
    }
  }
}

/** `rebuildTable my table`: the rest is the table's name, whatever it holds. */
function helperOf(by = ''): { readonly helper: string; readonly table: string } {
  const [helper = ''] = by.split(' ')
  return { helper, table: by.slice(helper.length + 1) }
}

/** `public.` and the case that SQLite does not mind make no difference. */
function plain(name: string): string {
  return name.toLowerCase().replace(/^(?:public|main)\./, '')
}
