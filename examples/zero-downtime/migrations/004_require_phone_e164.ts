import { defineMigration, noNulls } from '@drover/schema'
import { backfillName } from './003_backfill_phone_e164.js'

/** Phase 4. The old column stops being required in the same step, for release 4 does not write it any more. */
export default defineMigration({
  id: '004_require_phone_e164',
  dependsOn: '003_backfill_phone_e164',
  description: 'The number is there in every row, and stays so',
  requires: [backfillName],
  actions: ['deploy release 3, which reads the new column, then release 4, which knows no other'],
  up: async ({ schema }) => {
    await schema.addNotNull('calls', 'phone_e164')
    await schema.dropNotNull('calls', 'phone_number')
  },
  down: async ({ schema, sql }) => {
    // As release 4 left them.
    await sql('UPDATE calls SET phone_number = phone_e164 WHERE phone_number IS NULL')
    await schema.addNotNull('calls', 'phone_number')
    await schema.dropNotNull('calls', 'phone_e164')
  },
  postconditions: [noNulls('calls', 'phone_e164')],
})
