import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DroverError } from '@drover/core'
import { type ExitCode, exitCodes, preparing } from '../exit-codes.js'
import type { Voice } from '../terminal/voice.js'
import { backfillTemplate, type TemplateStore } from './backfill-template.js'

/** Flags of `drover create backfill`. */
export interface CreateFlags {
  readonly directory: string
  readonly store: TemplateStore
}

/** `drover create backfill <feature>`: writes the beginning of one, and never over a file that is there. */
export async function createBackfill(
  feature: string,
  { directory, store }: CreateFlags,
  voice: Voice,
): Promise<ExitCode> {
  const name = feature.replaceAll('-', '_')
  const file = path.join(directory, `backfill_${name}.ts`)
  await preparing(async () => {
    if (!/^[a-z][a-z0-9_]*$/i.test(name)) {
      throw new DroverError(
        'OPTION_INVALID',
        `A feature is named by letters, digits and underscores, such as message_tokens, not ${JSON.stringify(feature)}.`,
      )
    }
    await writeFile(file, backfillTemplate(name, file, store), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST')
        throw new DroverError('OPTION_INVALID', `${file} is there already, and stays as it is. Take another name.`)
      if (error.code === 'ENOENT') throw new DroverError('SOURCE_NOT_FOUND', `There is no folder ${directory}.`)
      throw DroverError.from(error, `${file} cannot be written`, 'STORE_DENIED')
    })
  })
  voice.tell(`Wrote ${file}. Say in it what it is for, then: drover backfill ${shownPath(file)}`, { file })
  return exitCodes.done
}

/** As it is given to `drover backfill`: a path, not a name. */
export function shownPath(file: string): string {
  return path.isAbsolute(file) || file.startsWith('.') ? file : `./${file}`
}
