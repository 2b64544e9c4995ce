import { defineMigration } from '@drover/schema'

export default defineMigration({
  id: '001_calls',
  description: 'Calls',
  up: async ({ schema }) => {
    await schema.createTable('calls', (table) => {
      table.integer('id').notNullable().primary()
      table.string('phone_number', 20).notNullable()
      table.string('status', 50).notNullable()
    })
  },
  down: async ({ schema }) => schema.dropTable('calls'),
})
