import { writeFile } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import type { Dialect } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, refuseUsage } from '../exit-codes.js'
import type { SchemaFlags } from './schema-flags.js'
import { type RevisionTask, revisionTask, schemaTask } from './schema-task.js'

/** Flags of `drover schema preview`. */
export interface PreviewFlags extends SchemaFlags {
  readonly dialect?: Dialect
  readonly down?: boolean
  readonly output?: string
}

/** `drover schema preview [range]`, and `up` and `down` with `--sql`: a script, without a database. */
export function previewRange(range: string | undefined, flags: PreviewFlags, watching: Watching): Promise<ExitCode> {
  return revisionTask(flags, watching, (task) => tellScript(range, flags, task, watching))
}

/** `drover schema preview --pending`: from where the database stands. */
export function previewPending(flags: PreviewFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async (task) => {
    const { current } = await (await task.migrator()).status({ signal: task.signal })
    const [at = 'base', ...others] = current
    if (others.length > 0)
      refuseUsage(
        'REVISION_AMBIGUOUS',
        `The database is at several revisions (${current.join(', ')}), and a script begins at one. Name the range: drover schema preview ${at}:heads`,
      )
    return tellScript(`${at}:heads`, flags, task, watching)
  })
}

async function tellScript(
  range: string | undefined,
  flags: PreviewFlags,
  { schema, settings, revisions, dialect }: RevisionTask,
  { voice }: Watching,
): Promise<ExitCode> {
  const { output } = flags
  const sql = await schema.previewSql({
    dialect: dialect(flags.dialect),
    migrations: await revisions(),
    ...(range === undefined ? {} : { range }),
    ...(flags.down === true ? { direction: 'down' } : {}),
    ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
  })
  if (output === undefined) voice.tell(sql, { event: 'sql', sql })
  else {
    await writeFile(output, sql).catch((error: unknown) => {
      throw DroverError.from(error, `${output} cannot be written`, 'STORE_DENIED')
    })
    voice.tell(`Wrote ${output}`, { event: 'sql', file: output })
  }
  return exitCodes.done
}
