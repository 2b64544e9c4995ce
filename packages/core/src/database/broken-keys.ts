import type { ForeignKey } from '../contracts/database.js'
import { DroverError } from '../errors/drover-error.js'
import { counted } from '../report/text.js'

/** A foreign key that rows break. */
export interface BrokenKey extends Pick<ForeignKey, 'columns' | 'references'> {
  readonly table: string
  /** How many rows. */
  readonly rows: number
  /** What some of them refer to in vain, as messages show it. */
  readonly examples: readonly string[]
}

/** @param where The database, for the message. */
export function foreignKeysBroken(where: string, broken: readonly BrokenKey[]): DroverError {
  const listed = broken.map(({ table, columns, references, rows, examples }) => {
    const some = examples.length === 0 ? '' : `, such as ${examples.map((one) => `(${one})`).join(', ')}`
    return `\n  "${table}": ${counted(rows, 'row')} by (${columns.join(', ')}) to "${references}"${some}`
  })
  return new DroverError(
    'FOREIGN_KEY_BROKEN',
    `${where}: all rows are there, but some refer to rows that are not, so their foreign keys cannot hold. Mend them here and call again, which does what is left; or copy with foreignKeys: false:${listed.join('')}`,
  )
}
