import type { MigrationReport, Plan } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, refuseUsage } from '../exit-codes.js'
import { counted, planJson, planText, warningLines } from './plan-text.js'
import { type PreviewFlags, previewRange } from './preview.js'
import { type SchemaTask, schemaTask } from './schema-task.js'

/** Flags of `drover schema up` and `down`. */
export interface MovingFlags extends PreviewFlags {
  readonly plan?: boolean
  readonly sql?: boolean
  readonly allow?: readonly string[]
  readonly acceptLoss?: boolean
  /** A folder, or true for that of the configuration. */
  readonly backup?: string | boolean
  readonly verify?: boolean
  readonly verbose?: boolean
}

/** `drover schema up [target]`: applies what is missing. */
export function up(target: string | undefined, flags: MovingFlags, watching: Watching): Promise<ExitCode> {
  if (flags.sql === true) return previewRange(target, { ...flags, down: false }, watching)
  refuseRange('up', target)
  refuseSwallowed(target, flags)
  return schemaTask(
    flags,
    watching,
    async (task) => {
      const { signal, settings } = task
      const migrator = await task.migrator()
      const to = target ?? 'head'
      const planned = await migrator.up({ to, plan: true, signal })
      if (flags.plan === true) return tellPlan(planned.plan, flags, task, watching)
      warn(planned.plan, watching)
      const report = await migrator.up({
        to,
        signal,
        ...(flags.allow === undefined ? {} : { allow: flags.allow }),
        ...backupOf(flags, settings.backups),
        ...(flags.verify === true ? { verify: true } : {}),
      })
      tellReport(report, watching)
      return exitCodes.done
    },
    { mayBeNew: flags.plan !== true },
  )
}

/** `drover schema down <target>`: takes back what is above it. */
export function down(target: string, flags: MovingFlags, watching: Watching): Promise<ExitCode> {
  if (flags.sql === true) return previewRange(target, { ...flags, down: true }, watching)
  refuseRange('down', target)
  return schemaTask(flags, watching, async (task) => {
    const { signal, settings } = task
    const migrator = await task.migrator()
    const planned = await migrator.down({ to: target, plan: true, signal })
    if (flags.plan === true) return tellPlan(planned.plan, flags, task, watching)
    warn(planned.plan, watching)
    const report = await migrator.down({
      to: target,
      signal,
      ...(flags.acceptLoss === true ? { acceptLoss: true } : {}),
      ...backupOf(flags, settings.backups),
    })
    tellReport(report, watching)
    return exitCodes.done
  })
}

function tellPlan(plan: Plan, flags: MovingFlags, task: SchemaTask, { voice }: Watching): ExitCode {
  voice.tell(planText(plan, flags.verbose === true, task.schema, task.dialect(undefined)), {
    event: 'plan',
    ...planJson(plan),
  })
  return exitCodes.done
}

/** Losses and what looks unsafe are said before anything happens. */
function warn(plan: Plan, { voice }: Watching): void {
  for (const line of warningLines(plan)) voice.note(line)
}

function tellReport(report: MigrationReport, { voice }: Watching): void {
  const { direction, revisions, heads, backup, durationMs, plan } = report
  const at = heads.length === 0 ? 'base' : heads.join(', ')
  const done = direction === 'up' ? 'applied' : 'taken back'
  const lines = [
    ...(backup === undefined ? [] : [`backed up: ${backup}`]),
    ...revisions.flatMap(({ id, steps, durationMs: took, notes }) => [
      `${done}: ${id} (${counted(steps, 'step')}, ${Math.round(took)} ms)`,
      ...notes.map((note) => `  ${note}`),
    ]),
    revisions.length === 0 ? `Nothing to do: the database is at ${at}.` : `The database is at ${at}.`,
  ]
  const actions = direction === 'up' ? revisions.flatMap((revision) => revision.actions) : []
  if (actions.length > 0) lines.push('To be done now:', ...actions.map((action) => `  ${action}`))
  voice.tell(lines.join('\n'), {
    event: direction,
    revisions,
    heads,
    durationMs,
    findings: plan.findings,
    losses: plan.losses,
    ...(backup === undefined ? {} : { backup }),
  })
}

function backupOf({ backup }: MovingFlags, folder: string): { readonly backup?: string } {
  if (backup === undefined || backup === false) return {}
  return { backup: backup === true ? folder : backup }
}

/** `up --backup head` would back up to a folder "head". */
function refuseSwallowed(target: string | undefined, { backup }: MovingFlags): void {
  if (target !== undefined || typeof backup !== 'string' || !/^(?:heads?|[+-]\d+)$/.test(backup)) return
  refuseUsage('OPTION_INVALID', `--backup takes ${backup} for its folder. Name the target first: up ${backup} --backup`)
}

function refuseRange(command: string, target: string | undefined): void {
  if (target?.includes(':') !== true) return
  refuseUsage('OPTION_INVALID', `A range such as ${target} is for SQL: drover schema ${command} ${target} --sql`)
}
