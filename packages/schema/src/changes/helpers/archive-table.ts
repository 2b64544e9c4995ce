import { checkOptionNames, DroverError } from '@drover/core'
import type { ArchiveOptions } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable } from '../../sql/quote.js'
import { isSameName } from '../tables.js'
import { onceSteps } from './once.js'
import { besideTable, shortName } from './short-name.js'

/**
 * Copies rows into a table of their own, `<table>_archive_<revision>`, before they or their columns go. It is left behind on the way down; the
 * next time up another one is made, `…_2`. Values stay as they are; keys, defaults and indexes are not copied.
 *
 * @throws `LOSS_REFUSED` if not all rows arrive
 */
export async function archiveTable(steps: Steps, table: string, options: ArchiveOptions = {}): Promise<void> {
  const by = `archiveTable ${table}`
  checkOptionNames(by, options, ['to', 'where'])
  const { to, where } = options
  const { dialect, revision = '' } = steps
  if (to === undefined && revision === '') {
    throw new DroverError('OPTION_INVALID', `${by}: outside of a revision it needs the name of the archive: to.`)
  }
  // Outside of a transaction a copy that may be half done is not made again.
  const once = steps.isInTransaction ? await onceSteps(steps, by, options) : steps
  if (once === undefined) return
  const first = to ?? besideTable(table, dialect, (bare) => `${bare}_archive_${revision}`)
  const archive = to === undefined ? await free(once, first) : first
  const condition = where === undefined ? '' : ` WHERE ${where}`
  await once.run(
    `CREATE TABLE ${quoteTable(archive, dialect)} AS SELECT * FROM ${quoteTable(table, dialect)}${condition}`,
    { by },
  )
  if (once.isPreview) return
  const [counted] = await once.read(
    `SELECT (SELECT count(*) FROM ${quoteTable(table, dialect)}${condition}) AS here, (SELECT count(*) FROM ${quoteTable(archive, dialect)}) AS there`,
  )
  if (Number(counted?.here) > Number(counted?.there)) {
    throw new DroverError(
      'LOSS_REFUSED',
      `${by}: of ${String(counted?.here)} rows ${String(counted?.there)} are in ${archive}.`,
    )
  }
  once.note(`${String(counted?.there)} rows of ${table} are kept in ${archive}.`)
}

/** A revision that was taken back and applied again has an archive already. Outside of a transaction a second look would find its own. */
async function free(steps: Steps, name: string): Promise<string> {
  if (steps.isPreview || !steps.isInTransaction) return name
  const catalog = await steps.catalog()
  const taken = [...(catalog?.tables ?? []), ...(catalog?.views ?? [])].map((each) => each.name)
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : besideTable(name, steps.dialect, (bare) => shortName(`${bare}_${number}`))
    if (!taken.some((each) => isSameName(steps.dialect, each, candidate))) return candidate
  }
}
