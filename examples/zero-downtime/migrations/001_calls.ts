import { defineMigration } from '@drover/schema'

export default defineMigration({
  id: '001_calls',
  description: 'Calls, with the number as it was written',
  up: async ({ schema }) => {
    await schema.createTable('calls', (table) => {
      table.increments('id')
      table.string('phone_number', 40).notNullable()
      table.string('status', 20).notNullable().defaultTo('active')
    })
  },
  down: async ({ schema }) => schema.dropTable('calls'),
})
