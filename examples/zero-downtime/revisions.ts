import type { Migration } from '@drover/schema'
import calls from './migrations/001_calls.js'
import addPhone from './migrations/002_add_phone_e164.js'
import backfillPhone from './migrations/003_backfill_phone_e164.js'
import requirePhone from './migrations/004_require_phone_e164.js'
import dropPhone from './migrations/005_drop_phone_number.js'

export const revisions: readonly Migration[] = [calls, addPhone, backfillPhone, requirePhone, dropPhone]

/** What is in the repository when a release is built: an instance needs these, and may find more. */
export const revisionsOfRelease: Readonly<Record<number, readonly Migration[]>> = {
  1: revisions.slice(0, 1),
  2: revisions.slice(0, 2),
  3: revisions.slice(0, 4),
  4: revisions.slice(0, 4),
}
