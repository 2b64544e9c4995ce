import { DroverError } from '@drover/core'
import type { JournalEntry } from '../contracts/journal.js'
import type { Journal, ReadRows } from '../journal/journal.js'
import { sqlDifference } from '../journal/sql-difference.js'
import type { Recordings } from './recordings.js'
import type { Standing } from './standing.js'

/** Applied revisions whose steps are not any more what they were. */
export async function editedRevisions(standing: Standing, recordings: Recordings): Promise<readonly string[]> {
  const edited: string[] = []
  for (const { revision, checksum, status } of standing.entries) {
    // One that is on its way may have to be mended to come to its end; what of it is done is compared step by step.
    if (checksum === '' || status !== 'applied' || !standing.graph.has(revision)) continue
    const recorded = recordings.checksum(standing.graph.get(revision))
    if ((typeof recorded === 'string' ? recorded : await recorded) !== checksum) edited.push(revision)
  }
  return edited
}

/** Refuses edited revisions, with the difference as SQL. @throws `REVISION_EDITED` */
export async function refuseEdited(
  standing: Standing,
  recordings: Recordings,
  journal: Journal,
  read: ReadRows,
): Promise<void> {
  const edited = await editedRevisions(standing, recordings)
  if (edited.length === 0) return
  const entries = new Map((await journal.entries(read)).map((entry) => [entry.revision, entry]))
  const told: string[] = []
  for (const id of edited) {
    const entry = entries.get(id)
    if (entry !== undefined) told.push(await difference(entry, standing, recordings))
  }
  const [first = '', ...others] = edited
  throw new DroverError(
    'REVISION_EDITED',
    `${first} was edited after it was applied to ${standing.name}${others.length === 0 ? '' : `, and so were ${others.join(', ')}`}. Undo the edit, and write what is new into a revision of its own; if the database has what the code says now, "drover schema repair ${first} accept-edit" takes it.\n${told.join('\n')}`,
  )
}

async function difference(entry: JournalEntry, standing: Standing, recordings: Recordings): Promise<string> {
  const { sql } = await recordings.of(standing.graph.get(entry.revision))
  const lines = sqlDifference(entry.sql, sql)
  // The values that go with the statements are in the checksum, and not in every line of the text.
  const shown = lines === '' ? 'The statements are the same, with other values.' : lines
  return `--- ${entry.revision}, as it was applied\n+++ ${entry.revision}, as it is now\n${shown}`
}
