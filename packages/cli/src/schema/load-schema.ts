import { DroverError } from '@drover/core'
import type * as Schema from '@drover/schema'
import { missingPackage } from '../modules/missing-package.js'
import { entryIn } from '../stores/load-package.js'

export type SchemaPackage = typeof Schema

const name = '@drover/schema'

/**
 * Loads the package of migrations: that of the project, else one that is installed beside the command.
 *
 * @throws `PACKAGE_MISSING` with what to install
 */
export async function loadSchema(folder: string): Promise<SchemaPackage> {
  try {
    return (await import((await entryIn(folder, name)) ?? name)) as SchemaPackage
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw DroverError.from(error, `loading ${name}`)
    throw new DroverError(
      'PACKAGE_MISSING',
      `drover schema needs the package ${missing}, which is not installed here. Install it: npm install ${name} knex, with @drover/adapter-postgres pg, or @drover/adapter-sqlite better-sqlite3`,
      { cause: error },
    )
  }
}
