import { readFile, writeFile } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import { type MakingFlags, modelsOf } from './making.js'
import type { SchemaFlags } from './schema-flags.js'
import { schemaTask } from './schema-task.js'

/** Flags of `drover schema check`. */
export interface CheckFlags extends MakingFlags {
  readonly scratch?: string
}

/** `drover schema check`: whether somebody has changed the schema by hand. */
export function check(flags: CheckFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ schema, settings, url, revisions, signal }) => {
    const { voice } = watching
    const hasModels = flags.models !== undefined || settings.models !== undefined
    const found = await schema.checkDrift({
      connection: url,
      signal,
      ...(hasModels ? { models: await modelsOf(flags, settings) } : { migrations: await revisions() }),
      ...(flags.ignore === undefined ? {} : { ignore: flags.ignore }),
      ...(flags.scratch === undefined ? {} : { scratch: flags.scratch }),
      ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
    })
    const { sentences, pending, undetected } = found
    const as = hasModels ? 'the models' : 'its revisions'
    voice.tell(sentences.length === 0 ? `The database is as ${as} say.` : sentences.join('\n'), {
      event: 'checked',
      ...found,
    })
    if (!voice.isJson && flags.quiet !== true) {
      if (pending.length > 0) voice.note(`${pending.length} pending: ${pending.join(', ')}`)
      for (const sentence of undetected) voice.note(`not compared: ${sentence}`)
    }
    return sentences.length === 0 ? exitCodes.done : exitCodes.failed
  })
}

/** Flags of `drover schema dump`. */
export interface DumpFlags extends SchemaFlags {
  readonly output?: string
  readonly journal?: boolean
}

/** `drover schema dump`: the schema as SQL. */
export function dump(flags: DumpFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(flags, watching, async ({ schema, settings, url, signal }) => {
    const { voice } = watching
    const { output } = flags
    const { sql, missing } = await schema.dump(url, {
      signal,
      ...(flags.journal === true ? { journal: true } : {}),
      ...(settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }),
    })
    if (output === undefined) voice.tell(sql, { event: 'dumped', sql, missing })
    else {
      await writeFile(output, sql).catch((error: unknown) => {
        throw DroverError.from(error, `${output} cannot be written`, 'STORE_DENIED')
      })
      voice.tell(`Wrote ${output}`, { event: 'dumped', file: output, missing })
    }
    for (const { kind, name } of voice.isJson ? [] : missing) voice.note(`not in it: the ${kind} ${name}`)
    return exitCodes.done
  })
}

/** `drover schema load <file>`: makes in an empty database what a dump says. */
export function load(file: string, flags: SchemaFlags, watching: Watching): Promise<ExitCode> {
  return schemaTask(
    flags,
    watching,
    async ({ schema, url, signal }) => {
      const sql = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw new DroverError('SOURCE_NOT_FOUND', `There is no file ${file}.`)
        throw DroverError.from(error, `${file} cannot be read`, 'STORE_DENIED')
      })
      await schema.load(url, sql, { signal })
      watching.voice.tell(`Loaded ${file}`, { event: 'loaded', file })
      return exitCodes.done
    },
    { mayBeNew: true },
  )
}
