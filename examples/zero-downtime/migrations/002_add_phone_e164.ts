import { columnMissing, defineMigration } from '@drover/schema'

/** Phase 1. Instances that know nothing of the column leave it NULL. */
export default defineMigration({
  id: '002_add_phone_e164',
  dependsOn: '001_calls',
  description: 'Expand: the number in one form, empty for now',
  actions: ['deploy release 2, which writes both columns'],
  preconditions: [columnMissing('calls', 'phone_e164')],
  up: async ({ schema }) => schema.addColumn('calls', 'phone_e164', { type: 'varchar(20)' }),
  down: async ({ schema }) => schema.dropColumn('calls', 'phone_e164'),
})
