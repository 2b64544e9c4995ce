import { checkOptionNames, checkWholeNumber } from '@drover/core'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'

/** Sets the version column of rows that have another one, or none. */
export async function setRowVersion(
  steps: Steps,
  table: string,
  version: number,
  options: { readonly column?: string; readonly where?: string } = {},
): Promise<void> {
  const by = `setRowVersion ${table}`
  checkOptionNames(by, options, ['column', 'where'])
  checkWholeNumber(by, 'version', version, 0)
  const { column = 'schema_version', where } = options
  const differs = steps.dialect === 'sqlite' ? 'IS NOT' : 'IS DISTINCT FROM'
  const name = quoteName(column)
  await steps.run(
    `UPDATE ${quoteTable(table, steps.dialect)} SET ${name} = ${version} WHERE ${name} ${differs} ${version}${where === undefined ? '' : ` AND (${where})`}`,
    { by, isRepeatable: true },
  )
}
