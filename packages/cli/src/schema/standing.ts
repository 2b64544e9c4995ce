import type { JournalEntry, Migration } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import { counted, titleOf } from './plan-text.js'
import type { SchemaFlags } from './schema-flags.js'
import { revisionTask, schemaTask } from './schema-task.js'

/** Flags of `drover schema current` and `history`. */
export interface StandingFlags extends SchemaFlags {
  readonly checkHeads?: boolean
  readonly verbose?: boolean
}

/** `drover schema current`: where the database stands. */
export function current(flags: StandingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ migrator, signal }) => {
    const { voice } = watching
    const status = await (await migrator()).status({ signal })
    const { current: at, heads, pending, unknown, interrupted } = status
    const lines = at.map((id) => `${id}${heads.includes(id) ? ' (head)' : ''}`)
    voice.tell(lines.length === 0 ? 'base (nothing is applied)' : lines.join('\n'), { event: 'current', ...status })
    if (!voice.isJson && flags.quiet !== true) {
      for (const id of interrupted)
        voice.note(`${id} was interrupted. Call the command again that ran it, or look: drover schema repair ${id}`)
      if (unknown.length > 0) voice.note(`Not in the folder of the revisions: ${unknown.join(', ')}`)
      if (pending.length > 0) voice.note(`${pending.length} pending: ${pending.join(', ')}`)
    }
    const isAtHead = pending.length === 0 && interrupted.length === 0
    return flags.checkHeads === true && !isAtHead ? exitCodes.failed : exitCodes.done
  })
}

/** `drover schema history`: the newest revision first. */
export function history(flags: StandingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ migrator, signal }) => {
    const { voice } = watching
    const opened = await migrator()
    const { heads } = await opened.status({ signal })
    const all = (await opened.history({ signal })).toReversed()
    const known = new Map(opened.migrations.map((migration) => [migration.id, migration]))
    for (const one of all) {
      const id = 'revision' in one ? one.revision : one.id
      const [entry, migration] = 'revision' in one ? [one, known.get(id)] : [undefined, one]
      const lines = [headline(id, entry, migration, heads.includes(id))]
      if (flags.verbose === true) lines.push(...details(entry, migration))
      voice.tell(lines.join('\n'), {
        event: 'revision',
        id,
        status: entry?.status ?? 'pending',
        isHead: heads.includes(id),
        isKnown: migration !== undefined,
        dependsOn: entry?.dependsOn ?? parentsOf(migration),
        description: entry?.description ?? migration?.description ?? '',
        ...(flags.verbose === true && entry !== undefined ? { entry } : {}),
      })
    }
    if (all.length === 0) voice.note('There are no revisions. Begin one: drover schema create -m "what it does"')
    return exitCodes.done
  })
}

/** `drover schema heads`: revisions that no other depends on. No database is asked. */
export function heads(flags: SchemaFlags, watching: Watching): Promise<ExitCode> {
  return revisionTask(flags, watching, async ({ schema, revisions }) => {
    const graph = new schema.RevisionGraph(await revisions())
    const { voice } = watching
    for (const id of graph.heads) voice.tell(titleOf(graph.get(id)), { event: 'head', id })
    if (graph.heads.length > 1)
      voice.note(`There are ${graph.heads.length} heads. Make one of them: drover schema merge heads -m "…"`)
    return exitCodes.done
  })
}

/** `drover schema events`: what was ever done, the oldest first. */
export function events(flags: SchemaFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ migrator, signal }) => {
    const all = await (await migrator()).events({ signal })
    for (const event of all) {
      const { at, revision, action, actor, durationMs, detail } = event
      const took = durationMs > 0 ? ` in ${durationMs} ms` : ''
      const text = `${at.toISOString()}  ${action} ${revision}${took}  by ${actor}${detail === '' ? '' : `\n  ${detail}`}`
      watching.voice.tell(text, { event: 'event', ...event })
    }
    if (all.length === 0) watching.voice.note('Nothing was done there yet.')
    return exitCodes.done
  })
}

function headline(id: string, entry: JournalEntry | undefined, migration: Migration | undefined, isHead: boolean) {
  const stands =
    entry === undefined ? 'pending' : entry.status === 'applied' ? 'applied' : `${entry.status}, interrupted`
  const marks = [stands, ...(isHead ? ['head'] : []), ...(migration === undefined ? ['not in the folder'] : [])]
  const description = entry?.description || migration?.description || ''
  return `${id} (${marks.join(', ')})${description === '' ? '' : `: ${description}`}`
}

function details(entry: JournalEntry | undefined, migration: Migration | undefined): string[] {
  const parents = entry?.dependsOn ?? parentsOf(migration)
  return [
    `  depends on: ${parents.length === 0 ? 'nothing' : parents.join(', ')}`,
    ...(entry === undefined ? [] : appliedDetails(entry)),
    ...(migration?.breaking === true ? ['  breaking: releases before it do not work with it'] : []),
    ...(migration?.actions ?? []).map((action) => `  to be done besides: ${action}`),
  ]
}

function appliedDetails(entry: JournalEntry): string[] {
  const { origin, actor, startedAt, appliedAt, durationMs, checksum, notes, steps, openStep } = entry
  const when = (appliedAt ?? startedAt).toISOString()
  const open = openStep === undefined ? '' : `, and nobody knows of step ${openStep + 1}`
  return [
    `  ${appliedAt === undefined ? 'begun' : 'applied'}: ${when} by ${actor}, ${durationMs} ms${origin === 'run' ? '' : ` (${origin})`}`,
    ...(entry.status === 'applied' ? [] : [`  done: ${counted(steps.length, 'step')}${open}`]),
    ...(checksum === '' ? [] : [`  checksum: ${checksum}`]),
    ...notes.map((note) => `  note: ${note}`),
  ]
}

function parentsOf(migration: Migration | undefined): readonly string[] {
  const parents = migration?.dependsOn ?? []
  return typeof parents === 'string' ? [parents] : parents
}
