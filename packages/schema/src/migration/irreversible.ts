import { checkText } from '@drover/core'
import type { Irreversible } from '../contracts/migration.js'

/**
 * Says that there is no way back, and why: what is shown to whoever asks for it.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * down: irreversible('the e-mail addresses were hashed')
 */
export function irreversible(why: string): Irreversible {
  checkText('irreversible', 'why', why)
  return { irreversible: why }
}
