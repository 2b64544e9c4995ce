import path from 'node:path'
import type { Finding } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, refuseUsage } from '../exit-codes.js'
import { counted, warningLines } from './plan-text.js'
import type { SchemaFlags } from './schema-flags.js'
import { type SchemaTask, schemaTask } from './schema-task.js'

/** Flags of `drover schema baseline`, `verify`, `rehearse` and `preflight`. */
export interface VerifyingFlags extends SchemaFlags {
  readonly output?: string
  readonly at?: string
  readonly to?: string
  readonly from?: string
  readonly folder?: string
  readonly allow?: readonly string[]
  readonly confirm?: readonly string[]
  readonly baseline?: string
  /** A file, or true for the usual one. */
  readonly compareBaseline?: string | boolean
}

/** `drover schema baseline <queries.sql>`: notes how queries fare now. */
export function baseline(queries: string, flags: VerifyingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async (task) => {
    const to = flags.output ?? usualBaseline(task)
    const made = await task.schema.recordBaseline({ connection: task.url, queries, to, signal: task.signal })
    watching.voice.tell(`Wrote ${to}: ${counted(made.queries.length, 'query', 'queries')}`, {
      event: 'baseline',
      file: to,
      ...made,
    })
    return exitCodes.done
  })
}

/** `drover schema verify`: whether the database is where it should be, and whole. */
export function verify(flags: VerifyingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async (task) => {
    const { schema, settings, url, signal } = task
    const { voice } = watching
    const found = await schema.verifySchema({
      connection: url,
      migrations: await task.revisions(),
      signal,
      ...(flags.at === undefined ? {} : { at: flags.at }),
      ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
    })
    const lines = [
      `at ${found.current.length === 0 ? 'base' : found.current.join(', ')}`,
      ...found.rows.map(({ table, rows }) => `${table}: ${counted(rows, 'row')}`),
      ...found.problems.map((problem) => `NOT RIGHT: ${problem}`),
    ]
    voice.tell(lines.join('\n'), { event: 'verified', ...found })
    if (found.problems.length > 0) return exitCodes.failed
    if (flags.compareBaseline !== undefined && flags.compareBaseline !== false) await compare(flags, task, watching)
    return exitCodes.done
  })
}

/** `drover schema rehearse --from <backup>`: up, down and up again on a copy. */
export function rehearse(flags: VerifyingFlags, watching: Watching): Promise<ExitCode> {
  const { from } = flags
  if (from === undefined) refuseUsage('OPTION_INVALID', 'Name the backup: --from <timestamp or path>.')
  return schemaTask(
    flags,
    watching,
    async (task) => {
      const { schema, settings, signal, url } = task
      const { voice } = watching
      const isPath = /[/\\]|\.(?:db|sql|json)$/.test(from)
      const report = await schema.rehearse({
        from,
        migrations: await task.revisions(),
        signal,
        ...(isPath ? {} : { folder: flags.folder ?? settings.backups }),
        ...(task.dialect(undefined) === 'postgres' ? { connection: url } : {}),
        ...common(flags, task),
      })
      const { up, down, irreversible, notRestored, durationMs } = report
      const lines = [
        ...warningLines({ ...up.plan, losses: report.losses }),
        `up: ${up.revisions.map(({ id }) => id).join(', ') || 'nothing to do'}`,
        ...(down === null ? [] : [`down: ${down.revisions.map(({ id }) => id).join(', ')}`, 'and up again']),
        ...(irreversible === null ? [] : [`no way back: ${irreversible}`]),
        ...notRestored.map((what) => `NOT AS BEFORE: ${what}`),
        `Rehearsed in ${Math.round(durationMs)} ms; the copy is gone.`,
      ]
      voice.tell(lines.join('\n'), {
        event: 'rehearsed',
        up: up.revisions,
        down: down?.revisions ?? null,
        irreversible,
        notRestored,
        findings: report.findings satisfies readonly Finding[],
        losses: report.losses,
        durationMs,
      })
      return notRestored.length === 0 ? exitCodes.done : exitCodes.failed
    },
    { mayBeNew: true },
  )
}

/** `drover schema preflight`: the checklist before a deployment. */
export function preflight(flags: VerifyingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async (task) => {
    const { schema, settings, url, signal } = task
    const { items, isReady } = await schema.preflight({
      connection: url,
      migrations: await task.revisions(),
      folder: flags.folder ?? settings.backups,
      signal,
      ...(flags.confirm === undefined ? {} : { confirmed: flags.confirm }),
      ...common(flags, task),
    })
    const marks = { ok: '[x]', failed: '[!]', ask: '[?]' } as const
    const lines = items.map(({ name, status, said }) => `${marks[status]} ${name}: ${said}`)
    if (items.some(({ status }) => status === 'ask'))
      lines.push('Confirm what a person has looked at with --confirm and its name.')
    watching.voice.tell(lines.join('\n'), { event: 'preflight', items, isReady })
    return isReady ? exitCodes.done : exitCodes.failed
  })
}

async function compare(flags: VerifyingFlags, task: SchemaTask, { voice }: Watching): Promise<void> {
  const { compareBaseline: given } = flags
  const file = typeof given === 'string' ? given : usualBaseline(task)
  const compared = await task.schema.compareBaseline({ connection: task.url, baseline: file, signal: task.signal })
  const lines = compared.flatMap(({ name, notes }) => [
    `${name}: as good as before`,
    ...notes.map((note) => `  ${note}`),
  ])
  voice.tell(lines.join('\n'), { event: 'compared', queries: compared })
}

function usualBaseline({ settings }: SchemaTask): string {
  return path.join(settings.backups, 'baseline.json')
}

function common(
  flags: VerifyingFlags,
  { settings }: SchemaTask,
): { to?: string; allow?: readonly string[]; baseline?: string; tablePrefix?: string } {
  return {
    ...(flags.to === undefined ? {} : { to: flags.to }),
    ...(flags.allow === undefined ? {} : { allow: flags.allow }),
    ...(flags.baseline === undefined ? {} : { baseline: flags.baseline }),
    ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
  }
}
