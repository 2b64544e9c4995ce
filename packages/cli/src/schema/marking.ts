import { DroverError } from '@drover/core'
import type { JournalEntry, Migrator } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, refuseUsage } from '../exit-codes.js'
import type { SchemaFlags } from './schema-flags.js'
import { schemaTask } from './schema-task.js'

/** Flags of `drover schema stamp` and `adopt`. */
export interface MarkingFlags extends SchemaFlags {
  readonly baseline?: boolean
  readonly from?: 'knex' | 'alembic'
  readonly table?: string
  readonly map?: readonly string[]
}

/** `drover schema stamp <target>`: says where the database is, and runs nothing. */
export function stamp(target: string, flags: MarkingFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(
    flags,
    watching,
    async ({ migrator, signal }) => {
      const opened = await migrator()
      await opened.stamp(target, { signal, origin: flags.baseline === true ? 'baseline' : 'stamped' })
      const status = await opened.status({ signal })
      const at = status.current.length === 0 ? 'base' : status.current.join(', ')
      watching.voice.tell(`The journal says that the database is at ${at}. Nothing was run.`, {
        event: 'stamped',
        ...status,
      })
      return exitCodes.done
    },
    { mayBeNew: true },
  )
}

/** `drover schema adopt --from knex`: takes over what another tool has noted. */
export function adopt(flags: MarkingFlags, watching: Watching): Promise<ExitCode> {
  const { from, table } = flags
  if (from === undefined) refuseUsage('OPTION_INVALID', 'Say whose journal it is: --from knex or --from alembic.')
  const map = mapOf(flags.map ?? [])
  return schemaTask(flags, watching, async ({ migrator, signal }) => {
    const revisions = await (await migrator()).adopt({
      from,
      signal,
      ...(Object.keys(map).length === 0 ? {} : { map }),
      ...(table === undefined ? {} : { table }),
    })
    const text =
      revisions.length === 0
        ? `Nothing of the journal of ${from} is new.`
        : `Taken over from ${from}: ${revisions.join(', ')}. Its own table stays as it is.`
    watching.voice.tell(text, { event: 'adopted', from, revisions })
    return exitCodes.done
  })
}

type Verdict = Parameters<Migrator['repair']>[1]

const verdicts: Readonly<Record<Verdict, string>> = {
  applied: 'all of it is there',
  reverted: 'nothing of it is there (any more)',
  retry: 'the open step has left nothing: run it again with "up" or "down"',
  'accept-edit': 'the file was changed on purpose, and the database has what it says now',
}

/** `drover schema repair <revision> [verdict]`: without a verdict it says what is known, and what can be said. */
export function repair(
  revision: string,
  verdict: string | undefined,
  flags: SchemaFlags,
  watching: Watching,
): Promise<ExitCode> {
  if (verdict !== undefined && !isVerdict(verdict))
    refuseUsage('OPTION_INVALID', `What was found is one of ${Object.keys(verdicts).join(', ')}, not ${verdict}.`)
  return schemaTask(flags, watching, async ({ migrator, signal }) => {
    const opened = await migrator()
    if (verdict === undefined) return tellInterrupted(revision, await opened.history({ signal }), watching)
    await opened.repair(revision, verdict, { signal })
    watching.voice.tell(`${revision}: noted as ${verdict}.`, { event: 'repaired', revision, as: verdict })
    return exitCodes.done
  })
}

function isVerdict(text: string): text is Verdict {
  return Object.hasOwn(verdicts, text)
}

function tellInterrupted(
  revision: string,
  history: Awaited<ReturnType<Migrator['history']>>,
  { voice }: Watching,
): ExitCode {
  const entry = history.find((one): one is JournalEntry => 'revision' in one && one.revision.startsWith(revision))
  if (entry === undefined)
    throw new DroverError('REVISION_UNKNOWN', `The journal has no revision ${revision}: drover schema history`)
  const { status, steps, openStep, sql } = entry
  const done = steps.filter((hash) => !hash.startsWith('!')).length
  const lines =
    status === 'applied'
      ? [`${entry.revision} is applied. If its file was edited, and rightly so: accept-edit.`]
      : [
          `${entry.revision} was interrupted on its way ${status === 'begun' ? 'up' : 'down'}: ${done} of its steps are done${
            openStep === undefined ? '' : `, and of step ${openStep + 1} nobody knows`
          }.`,
          'Its steps:',
          sql.replace(/^(?=.)/gm, '  '),
        ]
  const useful = Object.entries(verdicts).filter(([name]) => (name === 'accept-edit') === (status === 'applied'))
  lines.push('Look at the database, and say what you have found:')
  lines.push(...useful.map(([name, about]) => `  drover schema repair ${entry.revision} ${name}   ${about}`))
  voice.tell(lines.join('\n'), { event: 'interrupted', ...entry, verdicts: useful.map(([name]) => name) })
  return exitCodes.done
}

function mapOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const [theirs, ours, ...more] = pair.split('=')
      if (theirs === undefined || !theirs || !ours || more.length > 0)
        return refuseUsage('OPTION_INVALID', `--map takes theirs=ours, such as 20240101_init.js=001_init, not ${pair}.`)
      return [theirs, ours]
    }),
  )
}
