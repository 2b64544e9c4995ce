import { stat } from 'node:fs/promises'
import path from 'node:path'
import { refuseUsage } from '../exit-codes.js'
import { type PipelineFile, readPipelineFile, type SchemaPart } from '../pipeline-file.js'
import type { SchemaFlags } from './schema-flags.js'

/** What a command of `drover schema` is about. */
export interface SchemaSettings {
  /** Of the database. Undefined if nobody has said it. */
  readonly url: string | undefined
  /** The folder of the revisions. */
  readonly migrations: string
  readonly tablePrefix: string | undefined
  /** The folder that backups go to. */
  readonly backups: string
  /** The module that declares the tables. Undefined if nobody has said it. */
  readonly models: string | undefined
  /** That packages and the module of the models are looked for from. */
  readonly folder: string
  /** The configuration, as messages name it. */
  readonly configured: string
}

/** Where to look for a configuration that nobody has named. */
const usualFile = 'drover.yaml'

/**
 * Flags go before the variable DATABASE_URL, and that before the configuration.
 *
 * @throws what `readPipelineFile` throws
 */
export async function settingsOf(flags: SchemaFlags, env: NodeJS.ProcessEnv): Promise<SchemaSettings> {
  const file = await configuration(flags.config, env)
  const part: SchemaPart = file?.parts.schema ?? {}
  if (flags.config !== undefined && file?.parts.schema === undefined)
    refuseUsage(
      'OPTION_INVALID',
      `${flags.config} has no part "schema": write schema: { url: …, migrations: … } in it.`,
    )
  const folder = file?.folder ?? '.'
  return {
    url: flags.url || env.DATABASE_URL || part.url,
    migrations: flags.migrations ?? path.join(folder, part.migrations ?? 'migrations'),
    tablePrefix: flags.tablePrefix ?? part.tablePrefix,
    backups: part.backups ?? 'backups',
    models: part.models,
    folder,
    configured: file?.path ?? usualFile,
  }
}

async function configuration(named: string | undefined, env: NodeJS.ProcessEnv): Promise<PipelineFile | undefined> {
  if (named !== undefined) return readPipelineFile(named, env)
  const found = await stat(usualFile).catch(() => undefined)
  return found?.isFile() === true ? readPipelineFile(usualFile, env) : undefined
}
