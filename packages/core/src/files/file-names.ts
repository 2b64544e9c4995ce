import { checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import type { FileNames } from './staging/batch-files.js'

/** `000001.json` and so on. */
const numbersAlone: FileNames = { prefix: '', digits: 6 }

/** How files are called after a pattern such as `export_####`. @throws `OPTION_INVALID` */
export function fileNamesOf(where: string, pattern: string | undefined): FileNames {
  if (pattern === undefined) return numbersAlone
  checkText(where, 'fileName', pattern)
  const [, prefix, places] = /^([^#]*)(#{1,15})$/.exec(pattern) ?? []
  if (prefix !== undefined && places !== undefined && !/[/\\\p{Cc}]/u.test(prefix) && !prefix.startsWith('.'))
    return { prefix, digits: places.length }
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: fileName is a name without its ending that has a # for each digit of the number behind it, such as "export_####", not "${pattern}".`,
  )
}
