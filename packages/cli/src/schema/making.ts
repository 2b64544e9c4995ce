import { mkdir } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import type { Ask, Migration, MigrationFile, SchemaModels } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, refuseUsage } from '../exit-codes.js'
import { askerOf } from '../init/asker.js'
import { loadExport } from '../modules/load-module.js'
import type { SchemaFlags } from './schema-flags.js'
import { revisionTask, schemaTask } from './schema-task.js'
import type { SchemaSettings } from './settings.js'

/** Flags of `drover schema create`, `merge` and `draft`. */
export interface MakingFlags extends SchemaFlags {
  readonly message?: string
  readonly revId?: string
  readonly dependsOn?: readonly string[]
  readonly autogenerate?: boolean
  readonly models?: string
  readonly against?: string
  readonly ignore?: readonly string[]
  readonly dryRun?: boolean
}

/** `drover schema create -m "…"`: an empty revision, with the checklist. */
export function create(flags: MakingFlags, watching: Watching): Promise<ExitCode> {
  if (flags.autogenerate === true) return draft(flags, watching)
  const message = messageOf(flags)
  return revisionTask(flags, watching, async ({ schema, settings, revisions }) => {
    await mkdir(settings.migrations, { recursive: true })
    const { dependsOn, revId } = flags
    const made = await schema.createMigrationFile({
      folder: settings.migrations,
      message,
      migrations: await revisions(),
      ...(revId === undefined ? {} : { id: revId }),
      ...(dependsOn === undefined ? {} : { dependsOn }),
    })
    return tellMade(made, watching)
  })
}

/** `drover schema merge [heads]`: one head again. */
export function merge(heads: readonly string[], flags: MakingFlags, watching: Watching): Promise<ExitCode> {
  const message = messageOf(flags)
  return revisionTask(flags, watching, async ({ schema, settings, revisions }) => {
    const isAll = heads.length === 0 || (heads.length === 1 && heads[0] === 'heads')
    const made = await schema.createMergeFile({
      folder: settings.migrations,
      message,
      migrations: await revisions(),
      ...(flags.revId === undefined ? {} : { id: flags.revId }),
      ...(isAll ? {} : { heads }),
    })
    return tellMade(made, watching)
  })
}

/** `drover schema draft -m "…"`: the revision that makes the database what the models say. */
export function draft(flags: MakingFlags, watching: Watching): Promise<ExitCode> {
  const message = messageOf(flags)
  return schemaTask(
    flags,
    watching,
    async ({ schema, settings, url, revisions, signal }) => {
      const { voice, surroundings } = watching
      const { against, dryRun = false } = flags
      const models = against === undefined ? await modelsOf(flags, settings) : undefined
      if (!dryRun) await mkdir(settings.migrations, { recursive: true })
      const migrations: readonly Migration[] = await revisions()
      const isAsked = surroundings.stdin?.isTTY === true && surroundings.stdout.isTTY === true && !voice.isJson
      const made = await schema.draft({
        connection: url,
        message,
        migrations,
        signal,
        ...(models === undefined ? {} : { models }),
        ...(against === undefined ? {} : { against }),
        ...(flags.revId === undefined ? {} : { id: flags.revId }),
        ...(flags.dependsOn === undefined ? {} : { dependsOn: flags.dependsOn }),
        ...(flags.ignore === undefined ? {} : { ignore: flags.ignore }),
        ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
        ...(dryRun ? {} : { folder: settings.migrations }),
        ...(isAsked ? { ask: askAt(watching) } : {}),
      })
      const texts = made.revisions.map(({ fileName, path, text }) =>
        path === undefined ? `// ${fileName}\n${text}` : `Wrote ${path}`,
      )
      voice.tell(texts.length === 0 ? 'Nothing to do: the database is as it should be.' : texts.join('\n'), {
        event: 'drafted',
        ...made,
      })
      if (!voice.isJson) {
        for (const sentence of made.undecided) voice.note(`to be decided: ${sentence}`)
        for (const sentence of made.undetected) voice.note(`not compared: ${sentence}`)
        if (made.revisions.length > 0 && !dryRun)
          voice.note('Read it, then: drover schema up, drover schema down -1, drover schema up')
      }
      return exitCodes.done
    },
    { mayBeNew: true },
  )
}

/**
 * The tables that the application declares.
 *
 * @throws `OPTION_INVALID`, what `loadExport` throws
 */
export async function modelsOf(
  { models }: Pick<MakingFlags, 'models'>,
  settings: SchemaSettings,
): Promise<SchemaModels> {
  const reference = models ?? settings.models
  if (reference === undefined)
    return refuseUsage(
      'OPTION_INVALID',
      `Say what it should be: --models ./models.ts#models, schema: { models: … } in ${settings.configured}, or --against, another database.`,
    )
  const { value } = await loadExport(reference, models === undefined ? settings.folder : '.')
  if (typeof value === 'object' && value !== null && 'tables' in value) return value as SchemaModels
  throw new DroverError(
    'OPTION_INVALID',
    `${reference} exports no models: that is what defineModels({ tables }) gives.`,
  )
}

function tellMade({ id, path }: MigrationFile, { voice }: Watching): ExitCode {
  voice.tell(`Wrote ${path}`, { event: 'created', id, path })
  return exitCodes.done
}

function messageOf({ message }: MakingFlags): string {
  return message ?? refuseUsage('OPTION_INVALID', 'Say what it does: -m "add priority to calls".')
}

/** Asks the person at the terminal what a comparison cannot know. */
function askAt({ surroundings }: Watching): Ask {
  return async (question) => {
    using asker = askerOf(surroundings, '')
    if (question.kind !== 'value') {
      const answer = await asker.ask({ message: question.message, choices: ['yes', 'no', 'later'], usual: 'later' })
      return answer === 'later' ? undefined : answer === 'yes'
    }
    const answer = await asker.ask({ message: `${question.message} (a value, sql:…, or nothing: later)`, usual: '' })
    return valueOfAnswer(answer)
  }
}

function valueOfAnswer(answer: string): Awaited<ReturnType<Ask>> {
  if (answer === '') return undefined
  if (answer.startsWith('sql:')) return { sql: answer.slice(4) }
  if (answer === 'true' || answer === 'false') return answer === 'true'
  return /^-?\d+(\.\d+)?$/.test(answer) && Number.isSafeInteger(Number(answer)) ? Number(answer) : answer
}
