import type { Finding, Loss, Migration, Plan, PlannedRevision } from '@drover/schema'
import type { SchemaPackage } from './load-schema.js'

/** A plan for people: losses first, then what looks unsafe, then what is done. */
export function planText(
  plan: Plan,
  isVerbose: boolean,
  schema: SchemaPackage,
  dialect: 'postgres' | 'sqlite',
): string {
  const { direction, revisions } = plan
  if (revisions.length === 0) return 'Nothing to do.'
  const lines = [...lossLines(plan.losses), ...findingLines(plan.findings)]
  for (const { migration, steps } of revisions) {
    const way = direction === 'up' ? 'apply' : 'take back'
    lines.push(`${way} ${titleOf(migration)}: ${counted(steps.length, 'step')}${remarks(migration, direction)}`)
    if (direction === 'up') for (const action of migration.actions ?? []) lines.push(`  to be done besides: ${action}`)
    if (isVerbose && steps.length > 0) lines.push(indented(schema.formatSteps(steps, dialect)))
  }
  return lines.join('\n')
}

/** What is said before it happens. */
export function warningLines({ losses, findings }: Plan): string[] {
  return [...lossLines(losses), ...findingLines(findings)]
}

/** A plan without its functions, for lines of JSON. */
export function planJson({ direction, revisions, findings, losses }: Plan): object {
  return {
    direction,
    revisions: revisions.map(({ migration, steps, checksum }: PlannedRevision) => ({
      id: migration.id,
      description: migration.description,
      breaking: migration.breaking ?? false,
      actions: migration.actions ?? [],
      checksum,
      steps,
    })),
    findings,
    losses,
  }
}

export function titleOf({ id, description }: Pick<Migration, 'id' | 'description'>): string {
  return description === undefined || description === '' ? id : `${id} (${description})`
}

export function counted(number: number, what: string, several = `${what}s`): string {
  return `${number} ${number === 1 ? what : several}`
}

function lossLines(losses: readonly Loss[]): string[] {
  return losses.map(({ revision, table, column, rows, isArchived }) => {
    const what = column === undefined ? table : `${table}.${column}`
    const holds = column === undefined ? 'of it' : 'that hold something else than the default'
    return isArchived
      ? `archived: ${what}, which ${revision} drops (${counted(rows, 'row')})`
      : `LOST: ${what}, which ${revision} drops: ${counted(rows, 'row')} ${holds}`
  })
}

function findingLines(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, revision, step, severity, message, assured }) => {
    const kind = assured !== undefined ? 'assured' : severity === 'refuse' ? 'UNSAFE' : 'warning'
    const why = assured === undefined ? '' : ` The author says: ${assured}`
    return `${kind}: ${revision}, step ${step + 1} (${rule}): ${message}${why}`
  })
}

function remarks(migration: Migration, direction: 'up' | 'down'): string {
  const said = [
    ...(migration.breaking === true && direction === 'up' ? ['breaking: it needs a window'] : []),
    ...(migration.transaction === 'none' ? ['outside of a transaction, step by step'] : []),
  ]
  return said.length === 0 ? '' : `; ${said.join('; ')}`
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '    ')
}
