import { defineMigration } from '@drover/schema'
import { e164Sql } from '../phone.js'

/** The name under which 004 asks whether it has been finished. */
export const backfillName = 'calls-phone-e164'

const number = e164Sql('phone_number')

/**
 * Phase 3, once every instance writes both columns. Rows that differ count too, and not those alone that have no value yet: while release 2 was
 * rolled out, release 1 may have changed a number that release 2 had written. The value is computed by the UPDATE itself: read before, it could be
 * older than what the application writes meanwhile.
 */
export default defineMigration({
  id: '003_backfill_phone_e164',
  dependsOn: '002_add_phone_e164',
  description: 'Backfill: the number of calls that were there before',
  up: async ({ backfill }) =>
    backfill({
      name: backfillName,
      table: 'calls',
      where: `phone_e164 IS NULL OR phone_e164 <> ${number}`,
      sets: ['phone_e164'],
      set: { phone_e164: number },
      batchSize: 500,
      recordsPerSecond: 20_000,
    }),
  // What it has filled goes with the column.
  down: () => {},
})
