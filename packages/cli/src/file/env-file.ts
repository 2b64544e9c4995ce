import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { DroverError } from '@drover/core'

/**
 * Puts the variables of a file, such as `.env`, into the environment. Those that are set already stay: the file says what holds where
 * nobody says otherwise, as with `node --env-file`.
 *
 * @throws `SOURCE_NOT_FOUND`, `STORE_DENIED`
 */
export async function loadEnvFile(path: string, env: NodeJS.ProcessEnv): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new DroverError('SOURCE_NOT_FOUND', `--env-file: there is no file ${path}.`)
    throw DroverError.from(error, `--env-file: ${path} cannot be read`, 'STORE_DENIED')
  })
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value
}
