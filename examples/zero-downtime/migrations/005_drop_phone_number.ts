import { defineMigration } from '@drover/schema'

/** Phase 6. Releases 1 to 3 cannot work with it, and do not start on it. */
export default defineMigration({
  id: '005_drop_phone_number',
  dependsOn: '004_require_phone_e164',
  description: 'Contract: the number as it was written',
  breaking: true,
  assured: { 'column-dropped': 'phone_e164 has the same number, and release 4 knows no other' },
  up: async ({ schema }) => schema.dropColumn('calls', 'phone_number'),
  down: async ({ schema, sql }) => {
    await schema.addColumn('calls', 'phone_number', { type: 'varchar(40)' })
    await sql('UPDATE calls SET phone_number = phone_e164')
  },
})
