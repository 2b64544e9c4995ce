import { checkChoice, checkText, type Operation } from '@drover/core'
import type { JournalEntry } from '../contracts/journal.js'
import type { Migration } from '../contracts/migration.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { newEntry } from './new-entry.js'
import { type Session, type Tools, working } from './session.js'
import { readOn, standingOf } from './standing-of.js'

/** Says that the database is at a target, and runs nothing. What is not known to the code goes with `base` alone. */
export async function stamp(
  graph: RevisionGraph,
  tools: Tools,
  target: string,
  origin: 'stamped' | 'baseline',
  operation: Operation,
): Promise<void> {
  checkText('stamp', 'target', target)
  checkChoice('stamp', 'origin', origin, ['stamped', 'baseline'])
  await working(tools, operation, 'stamp', (session) =>
    inOne(session, async () => {
      const { journal, connection } = session
      const standing = await standingOf(graph, session, readOn(connection))
      const wanted = graph.stampedAt(target, standing.known)
      for (const { revision } of standing.entries.toReversed()) {
        const isKept = graph.has(revision) ? wanted.has(revision) : target !== 'base'
        if (isKept) continue
        await journal.remove(connection, revision)
        await tell(session, revision, 'unstamp')
      }
      for (const id of graph.sorted(wanted)) {
        if (standing.applied.has(id)) continue
        await journal.put(connection, await entrySaid(session, graph.get(id), origin))
        await tell(session, id, origin === 'baseline' ? 'baseline' : 'stamp')
      }
    }),
  )
}

/** Runs `work` in a transaction that holds the journal. */
export async function inOne<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const { connection, journal, claimed } = session
  await connection.begin()
  try {
    await journal.hold(connection, claimed)
    const value = await work()
    await connection.commit()
    return value
  } finally {
    await connection.rollback()
  }
}

/** The entry of a revision that is there, and was not run by a migrator. */
export async function entrySaid(
  { recordings, actor }: Session,
  migration: Migration,
  origin: JournalEntry['origin'],
): Promise<JournalEntry> {
  const entry = newEntry(migration, await recordings.of(migration), actor)
  return { ...entry, status: 'applied', origin, appliedAt: entry.startedAt }
}

export async function tell(
  { journal, connection, actor }: Session,
  revision: string,
  action: Parameters<Session['journal']['tell']>[1]['action'],
  detail = '',
): Promise<void> {
  await journal.tell(connection, { at: new Date(), revision, action, actor, durationMs: 0, detail })
}
