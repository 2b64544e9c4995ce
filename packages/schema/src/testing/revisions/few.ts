import { defineMigration } from '../../migration/define-migration.js'

/** What `checkKills` tries in its own test: a good revision. */
export const base = defineMigration({
  id: '001',
  up: async ({ schema }) => schema.createTable('calls', (table) => void table.integer('id').primary()),
})

export default [
  base,
  defineMigration({
    id: '002',
    dependsOn: '001',
    up: async ({ schema, sql }) => {
      await schema.addColumn('calls', 'priority', { type: 'integer', default: 0 })
      await sql('UPDATE calls SET priority = priority + 1')
    },
  }),
]
