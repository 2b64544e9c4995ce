import { DroverError } from '@drover/core'
import { type CatalogDifference, compareCatalogs } from '../catalog/compare-catalogs.js'
import type { Migration } from '../contracts/migration.js'
import type { Migrator } from '../contracts/migrator.js'
import { RevisionGraph } from '../graph/revision-graph.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { type CheckOptions, checkCheckOptions } from './check-options.js'
import { type TestDatabase, testCatalog } from './test-database.js'

export interface StairwayOptions extends CheckOptions {
  /** Brings rows in when a revision has been applied, so that the next ones meet some. */
  readonly seed?: (revision: string, database: TestDatabase) => Promise<void>
}

/** What was found on the stairs. */
export interface StairwayReport {
  /** Went up, down and up again. */
  readonly revisions: readonly string[]
  /** Went up only: they cannot be taken back. */
  readonly irreversible: readonly string[]
}

/**
 * Takes each revision up, down, and up again. Down must leave the schema as it was before; up again must lead to where up had led.
 *
 * @throws `SCHEMA_DRIFT` with the revision and what differs, and what a revision fails with
 *
 * @example
 * await using database = await testDatabase({ dialect: 'sqlite' })
 * await checkStairway({ database, migrations })
 */
export async function checkStairway(options: StairwayOptions): Promise<StairwayReport> {
  checkCheckOptions('checkStairway', options, ['seed'])
  const { database, migrations, allow = [], seed } = options
  const graph = new RevisionGraph(migrations)
  await database.reset()
  await using migrator = createMigrator({ connection: database.location, migrations })
  const report = { revisions: [] as string[], irreversible: [] as string[] }
  for (const migration of graph.order) {
    const { id } = migration
    await stepTo(migrator, graph, id, allow)
    const before = await testCatalog(database)
    await migrator.up({ to: id, allow })
    const after = await testCatalog(database)
    if (isIrreversible(migration)) report.irreversible.push(id)
    else {
      await migrator.down({ to: graph.parents(id)[0] ?? 'base', acceptLoss: true })
      refuse(
        compareCatalogs(before, await testCatalog(database)),
        `${id} does not take back all that it does: after up and down`,
      )
      await migrator.up({ to: id, allow })
      refuse(
        compareCatalogs(after, await testCatalog(database)),
        `${id} leads elsewhere the second time: after up, down and up`,
      )
      report.revisions.push(id)
    }
    await seed?.(id, database)
  }
  return report
}

/** Applied is then what the revision depends on, and with it whatever of the other branches is there already and does not depend on it. */
async function stepTo(migrator: Migrator, graph: RevisionGraph, id: string, allow: readonly string[]): Promise<void> {
  for (const parent of graph.parents(id)) await migrator.up({ to: parent, allow })
  const [first] = graph.parents(id)
  // Siblings of another branch would go with the parent's way down.
  const { current } = await migrator.status()
  if (first === undefined) {
    if (current.length > 0 && graph.roots.length > 1) await migrator.down({ to: 'base', acceptLoss: true })
  } else await migrator.down({ to: first, acceptLoss: true })
  for (const parent of graph.parents(id)) await migrator.up({ to: parent, allow })
}

function isIrreversible({ down }: Migration): boolean {
  return typeof down !== 'function'
}

function refuse(differences: readonly CatalogDifference[], what: string): void {
  if (differences.length === 0) return
  const said = differences.map(({ change, object, table, name, properties }) => {
    const where = table === undefined ? name : `${table}${name === '' ? '' : `.${name}`}`
    return `${object} ${where} ${change}${properties.length === 0 ? '' : ` (${properties.join(', ')})`}`
  })
  throw new DroverError('SCHEMA_DRIFT', `${what}, the schema is another one: ${said.join('; ')}.`)
}
