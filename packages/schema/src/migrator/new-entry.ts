import type { JournalEntry } from '../contracts/journal.js'
import type { Migration } from '../contracts/migration.js'
import { isCompatible, parentsOf } from '../migration/define-migration.js'
import type { Recording } from './recordings.js'

/** What the journal says of a revision that begins. */
export function newEntry(migration: Migration, { checksum, sql }: Recording, actor: string): JournalEntry {
  return {
    revision: migration.id,
    status: 'begun',
    origin: 'run',
    dependsOn: parentsOf(migration),
    description: migration.description ?? '',
    isCompatible: isCompatible(migration),
    checksum,
    sql,
    steps: [],
    notes: [],
    actor,
    startedAt: new Date(),
    durationMs: 0,
  }
}
