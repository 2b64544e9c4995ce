import { checkChoice, checkOptionNames } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import type { PreviewOptions } from '../contracts/migrator.js'
import type { RecordedStep } from '../contracts/steps.js'
import { RevisionGraph } from '../graph/revision-graph.js'
import { quoteTable } from '../sql/quote.js'
import { checksumOf } from '../steps/checksum-of.js'
import { comment, formatStep, formatSteps } from '../steps/format-steps.js'
import { recordMigration } from '../steps/record-migration.js'
import { JournalScript } from './journal-script.js'
import { Shadow } from './shadow.js'

/**
 * Revisions as a SQL script for psql (`psql -v ON_ERROR_STOP=1 -f …`) or sqlite3 (`sqlite3 -bail …`), without a database: transactions as the
 * migrator makes them, and the journal with them, so that the migrator goes on behind it. What cannot be said as SQL stands there as a comment; a
 * backfill, which is no statement, stops the script at a table that has rows.
 *
 * @throws `OPTION_INVALID`, `GRAPH_INVALID`, `REVISION_UNKNOWN`, `REVISION_AMBIGUOUS`, `REVISION_INVALID`, `IRREVERSIBLE`
 *
 * @example
 * console.log(await previewSql({ dialect: 'postgres', migrations, range: '002:head' }))
 */
export async function previewSql(options: PreviewOptions): Promise<string> {
  const where = 'previewSql'
  checkOptionNames(where, options, ['dialect', 'migrations', 'range', 'direction', 'tablePrefix'])
  checkChoice(where, 'dialect', options.dialect, ['postgres', 'sqlite'])
  checkChoice(where, 'direction', options.direction, ['up', 'down'])
  const { dialect, migrations, direction = 'up', tablePrefix = 'drover_' } = options
  const { before, path } = pathOf(new RevisionGraph(migrations), options.range, direction)
  const { signal } = new AbortController()
  await using shadow = dialect === 'sqlite' ? await Shadow.open(signal) : undefined
  const looking =
    shadow === undefined ? {} : { catalog: () => shadow.catalog(), onStep: (step: RecordedStep) => shadow.follow(step) }
  for (const migration of before) await recordMigration(migration, 'up', dialect, looking)
  const journal = new JournalScript(dialect, tablePrefix)
  const lines = [comment(`${direction}: ${path.map(({ id }) => id).join(', ') || 'nothing to do'}`).trimEnd()]
  if (path.length > 0) lines.push('', ...transaction(dialect, (await journal.tables()).map(ended)))
  for (const migration of path) {
    const steps = await recordMigration(migration, direction, dialect, looking)
    const offline = await recordMigration(migration, 'up', dialect)
    const recorded = { checksum: checksumOf(offline), sql: formatSteps(offline, dialect) }
    const noted = direction === 'up' ? await journal.applied(migration, recorded) : await journal.removed(migration)
    lines.push('', ...revisionLines(migration, direction, dialect, steps, noted.map(ended)))
  }
  return `${lines.join('\n')}\n`
}

interface Range {
  /** Applied before the script begins, in order. */
  readonly before: readonly Migration[]
  readonly path: readonly Migration[]
}

function pathOf(graph: RevisionGraph, range: string | undefined, direction: 'up' | 'down'): Range {
  const [first, second] = range?.split(':', 2) ?? []
  const start = direction === 'up' ? 'base' : 'heads'
  const from = second === undefined ? start : first || start
  const to = (second === undefined ? first : second) || (direction === 'up' ? 'heads' : 'base')
  const applied = from === 'base' ? new Set<string>() : graph.stampedAt(from, new Set())
  const path = direction === 'up' ? graph.pathUp(to, applied) : graph.pathDown(to, applied)
  return { before: graph.sorted(applied).map((id) => graph.get(id)), path }
}

function revisionLines(
  migration: Migration,
  direction: 'up' | 'down',
  dialect: PreviewOptions['dialect'],
  steps: readonly RecordedStep[],
  noted: readonly string[],
): string[] {
  const { id, description, preconditions = [], postconditions = [], transaction: kind = 'one' } = migration
  const head = [`${direction} ${id}${description === undefined ? '' : `: ${description}`}`]
  const conditions = direction === 'up' ? [...preconditions, ...postconditions] : []
  if (conditions.length > 0) {
    head.push(`not checked by this script: ${conditions.map(({ name }) => name || 'a condition').join(', ')}`)
  }
  const lines = [comment(head.join('\n')).trimEnd()]
  if (kind === 'none') {
    return [...lines, ...steps.map((step) => stepLines(step, dialect)), ...transaction(dialect, noted)]
  }
  const needsKeysOff =
    dialect === 'sqlite' && steps.some((step) => 'by' in step && step.by?.startsWith('rebuildTable ') === true)
  let segment: string[] = []
  const end = (): void => {
    if (segment.length > 0) lines.push(...transaction(dialect, segment, needsKeysOff))
    segment = []
  }
  for (const step of steps) {
    if (step.kind === 'backfill') end()
    if (step.kind === 'backfill') lines.push(stepLines(step, dialect))
    else segment.push(stepLines(step, dialect))
  }
  segment.push(...noted)
  end()
  return lines
}

/** Who runs a script past a backfill would have a journal that says what is not so. */
function stepLines(step: RecordedStep, dialect: PreviewOptions['dialect']): string {
  const text = formatStep(step, dialect)
  if (step.kind !== 'backfill') return text
  const rows = `SELECT 1 FROM ${quoteTable(step.table, dialect)}`
  const message = `${step.table} has rows: run the backfill ${step.name} by drover schema up`.replaceAll("'", '’')
  const guard =
    dialect === 'postgres'
      ? `DO $drover$ BEGIN IF EXISTS (${rows}) THEN RAISE EXCEPTION '${message.replaceAll('%', '%%')}'; END IF; END $drover$;`
      : `SELECT CASE WHEN EXISTS (${rows}) THEN json('${message}') END;`
  return `${text}\n${guard}`
}

function transaction(dialect: PreviewOptions['dialect'], lines: readonly string[], needsKeysOff = false): string[] {
  const begin = dialect === 'postgres' ? 'BEGIN;' : 'BEGIN IMMEDIATE;'
  const body = [begin, ...lines, 'COMMIT;']
  return needsKeysOff ? ['PRAGMA foreign_keys = OFF;', ...body, 'PRAGMA foreign_keys = ON;'] : body
}

function ended(sql: string): string {
  return `${sql};`
}
