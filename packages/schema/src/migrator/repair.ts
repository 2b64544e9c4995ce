import { checkChoice, checkText, DroverError, type Operation, suggestNames } from '@drover/core'
import type { JournalEntry } from '../contracts/journal.js'
import type { Migrator } from '../contracts/migrator.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { type Session, type Tools, working } from './session.js'
import { inOne, tell } from './stamp.js'

type Verdict = Parameters<Migrator['repair']>[1]

/** Writes into the journal what a person has found about a revision that was interrupted, or edited. */
export async function repair(
  graph: RevisionGraph,
  tools: Tools,
  revision: string,
  as: Verdict,
  operation: Operation,
): Promise<void> {
  checkText('repair', 'revision', revision)
  checkChoice('repair', 'as', as, ['applied', 'reverted', 'retry', 'accept-edit'])
  await working(tools, operation, 'repair', (session) =>
    inOne(session, async () => {
      const { journal, connection, claimed, read } = session
      const entries = await journal.entries(read)
      const id = graph.has(revision) ? revision : beginning(revision, entries)
      const entry = await journal.hold(connection, claimed, id)
      if (entry === undefined) throw notThere(id, entries)
      const repaired = await repairedEntry(graph, session, entry, as)
      if (repaired === null) await journal.remove(connection, id)
      else await journal.put(connection, repaired)
      await tell(
        session,
        id,
        'repair',
        `${as}; it was ${entry.status}${entry.openStep === undefined ? '' : `, its step ${entry.openStep + 1} open`}`,
      )
    }),
  )
}

/** Null: there is none any more. */
async function repairedEntry(
  graph: RevisionGraph,
  session: Session,
  entry: JournalEntry,
  as: Verdict,
): Promise<JournalEntry | null> {
  const { openStep: _, ...rest } = entry
  if (as === 'accept-edit') {
    const { checksum, sql } = await session.recordings.of(graph.get(entry.revision))
    return { ...entry, checksum, sql }
  }
  if (entry.status === 'applied') {
    throw new DroverError(
      'OPTION_INVALID',
      `repair: ${entry.revision} was not interrupted, it is applied. To say that it is not there, take "drover schema stamp"; to take it back, "drover schema down".`,
    )
  }
  if (as === 'reverted') return null
  // The mark of the open step lies behind those that are done.
  if (as === 'retry') return { ...rest, steps: entry.steps.filter((hash) => !hash.startsWith('!')) }
  return { ...rest, status: 'applied', steps: [], appliedAt: new Date() }
}

function beginning(text: string, entries: readonly JournalEntry[]): string {
  const found = entries.filter(({ revision }) => revision.startsWith(text))
  return found.length === 1 ? (found[0]?.revision ?? text) : text
}

function notThere(revision: string, entries: readonly JournalEntry[]): DroverError {
  return new DroverError(
    'REVISION_UNKNOWN',
    `repair: the journal has no revision ${revision}${suggestNames(
      revision,
      entries.map((entry) => entry.revision),
    )}`,
  )
}
