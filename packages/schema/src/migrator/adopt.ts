import { checkChoice, checkOptionNames, checkText, DroverError, type Operation, suggestNames } from '@drover/core'
import type { Migrator } from '../contracts/migrator.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { adoptedRevisions } from '../journal/adopted-revisions.js'
import { type Tools, working } from './session.js'
import { entrySaid, inOne, tell } from './stamp.js'
import { readOn, standingOf } from './standing-of.js'

/** Takes over what another tool has noted. That tool's own tables stay as they are. */
export async function adopt(
  graph: RevisionGraph,
  tools: Tools,
  options: Parameters<Migrator['adopt']>[0],
  operation: Operation,
): Promise<readonly string[]> {
  checkOptionNames('adopt', options, ['from', 'map', 'table', 'signal'])
  if (options.from === undefined)
    throw new DroverError('OPTION_INVALID', "adopt: from is 'knex' or 'alembic', and has to be said.")
  checkChoice('adopt', 'from', options.from, ['knex', 'alembic'])
  if (options.table !== undefined) checkText('adopt', 'table', options.table)
  for (const [theirs, ours] of Object.entries(options.map ?? {})) {
    if (graph.has(ours)) continue
    throw new DroverError(
      'REVISION_UNKNOWN',
      `adopt: map says that "${theirs}" is "${ours}", which is no revision${suggestNames(ours, graph.ids)}`,
    )
  }
  return working(tools, operation, 'adopt', (session) =>
    inOne(session, async () => {
      const { journal, connection } = session
      const adopted = await adoptedRevisions(graph, options, connection)
      const standing = await standingOf(graph, session, readOn(connection))
      const fresh = graph.sorted(adopted).filter((id) => standing.get(id) === undefined)
      for (const id of fresh) {
        await journal.put(connection, await entrySaid(session, graph.get(id), 'adopted'))
        await tell(session, id, 'adopt', `from ${options.from}`)
      }
      return fresh
    }),
  )
}
