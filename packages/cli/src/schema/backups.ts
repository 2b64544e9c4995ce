import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import type { SchemaFlags } from './schema-flags.js'
import { revisionTask, schemaTask } from './schema-task.js'

/** Flags of `drover schema backup`, `backups` and `restore`. */
export interface BackupFlags extends SchemaFlags {
  readonly folder?: string
  readonly verify?: boolean
  readonly force?: boolean
  readonly replace?: boolean
  readonly terminate?: boolean
  readonly owners?: 'keep' | 'leave'
  readonly keep?: boolean
}

/** `drover schema backup`: a backup that was read again and compared. */
export function backup(flags: BackupFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ schema, settings, url, signal }) => {
    const folder = flags.folder ?? settings.backups
    const prefix = settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }
    const made = await schema.backup({ connection: url, folder, signal, ...prefix })
    watching.voice.tell(`${schema.backupSaid(made)}\n${made.path}`, { event: 'backed-up', ...made })
    return exitCodes.done
  })
}

/** `drover schema backups`: those that lie in the folder, the oldest first. */
export function backups(flags: BackupFlags, watching: Watching): Promise<ExitCode> {
  return revisionTask(flags, watching, async ({ schema, settings, signal }) => {
    const { voice } = watching
    const folder = flags.folder ?? settings.backups
    const found = await schema.listBackups(folder)
    let isBad = false
    for (const one of found) {
      signal.throwIfAborted()
      const problem = one.problem ?? (flags.verify === true ? await problemOf(schema, one.path) : undefined)
      isBad ||= problem !== undefined
      const listed = problem === undefined ? one : { ...one, problem }
      voice.tell(schema.backupSaid(listed), { event: 'backup', ...listed })
    }
    if (found.length === 0) voice.note(`There is no backup in ${folder}. Make one: drover schema backup`)
    return isBad ? exitCodes.failed : exitCodes.done
  })
}

/** `drover schema restore <timestamp|latest>`: puts a backup in the place of the database. */
export function restore(which: string, flags: BackupFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(
    flags,
    watching,
    async ({ schema, settings, url, signal }) => {
      const { voice } = watching
      const { force, replace, terminate, owners, keep } = flags
      const report = await schema.restore({
        connection: url,
        folder: flags.folder ?? settings.backups,
        backup: which,
        signal,
        ...(force === true ? { force } : {}),
        ...(replace === true ? { replace } : {}),
        ...(terminate === true ? { terminate } : {}),
        ...(owners === undefined ? {} : { owners }),
        ...(keep === false ? { keep } : {}),
      })
      const { kept, notes, durationMs } = report
      const lines = [
        `Restored ${schema.backupSaid(report.backup)} in ${Math.round(durationMs)} ms`,
        ...(kept === null ? [] : [`What was there is kept: ${kept}`]),
        ...notes,
      ]
      voice.tell(lines.join('\n'), { event: 'restored', ...report })
      return exitCodes.done
    },
    { mayBeNew: true },
  )
}

async function problemOf(
  schema: Pick<typeof import('@drover/schema'), 'verifyBackup'>,
  path: string,
): Promise<string | undefined> {
  try {
    await schema.verifyBackup(path)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
