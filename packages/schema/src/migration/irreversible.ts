import { checkText } from '@drover/core'
import type { Irreversible } from '../contracts/migration.js'

/**
 * Says that there is no way back, and why: what is shown to whoever asks for it.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * defineMigration({ id: '007', up: async ({ sql }) => void (await sql('UPDATE users SET email = NULL')), down: irreversible('nobody keeps the addresses') })
 */
export function irreversible(why: string): Irreversible {
  checkText('irreversible', 'why', why)
  return { irreversible: why }
}
