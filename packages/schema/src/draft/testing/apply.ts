import type { Migration } from '../../contracts/migration.js'
import type { UnsafeRule } from '../../contracts/plan.js'
import { defineMigration } from '../../migration/define-migration.js'
import { createMigrator } from '../../migrator/create-migrator.js'
import type { Draft } from '../draft.js'

/** The revisions of a draft, as their text says them: it is JavaScript but for its import. */
export function revisionsOf({ revisions }: Pick<Draft, 'revisions'>): Migration[] {
  return revisions.map(({ text }) => {
    const body = text.replace(/^import .*$/m, '').replace('export default ', 'return ')
    return new Function('defineMigration', body)(defineMigration) as Migration
  })
}

/** What a draft may do and lint would refuse: changes of types, and what is renamed. */
const borne: readonly UnsafeRule[] = [
  'type-changed',
  'unique-constraint-at-once',
  'volatile-default',
  'column-dropped',
  'table-dropped',
  'table-rebuilt',
  'index-not-concurrent',
  'rows-changed-at-once',
  'check-validated-at-once',
]

export async function applied(location: string, migrations: readonly Migration[]): Promise<void> {
  await using migrator = createMigrator({ connection: location, migrations })
  await migrator.up({ allow: borne })
}

export async function takenBack(location: string, migrations: readonly Migration[], to: string): Promise<void> {
  await using migrator = createMigrator({ connection: location, migrations })
  await migrator.down({ to, acceptLoss: true })
}
