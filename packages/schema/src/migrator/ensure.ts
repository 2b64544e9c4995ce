import { checkChoice, checkOptionNames, checkWholeNumber, DroverError, type Operation } from '@drover/core'
import type { EnsureOptions, EnsureReport } from '../contracts/migrator.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { refuseEdited } from './edited.js'
import { held, type Tools, tryWorking, waitFor } from './session.js'
import type { Standing } from './standing.js'
import { readAnywhere, standingOf } from './standing-of.js'
import { upWithin } from './up.js'

/** Two that take the lease from each other again and again have leases that are too short; going on does not help them. */
const mostLosses = 10

/** Sees to it that the database has what the code needs. At head it is one statement. */
export async function ensure(
  graph: RevisionGraph,
  tools: Tools,
  options: EnsureOptions,
  given: Operation,
): Promise<EnsureReport> {
  const { mode, timeoutMs } = options
  checkOptions(options)
  const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const operation = limit === undefined ? given : { signal: AbortSignal.any([given.signal, limit]) }
  let last: Standing | undefined
  let losses = 0
  const look = async (): Promise<Standing> => {
    last = await standingOf(graph, tools, readAnywhere(tools.database, operation))
    return last
  }
  try {
    for (let hasWaited = false; ; hasWaited = true) {
      const ahead = await ready(await look(), tools, operation)
      if (ahead !== null) return { status: hasWaited ? 'waited' : 'nothing', revisions: [], ahead }
      if (mode === 'verify') throw behind(last)
      if (mode === 'wait') {
        await waitFor({ heldBy: 'another instance', expiresAt: new Date(0) }, operation.signal)
        continue
      }
      try {
        const answer = await tryWorking(tools, operation, (session) => upWithin(graph, session, { to: 'heads' }))
        if ('heldBy' in answer && options.whenHeld === 'fail') throw held(answer, tools)
        if ('value' in answer) {
          const revisions = answer.value.revisions.map(({ id }) => id)
          return { status: revisions.length > 0 ? 'applied' : 'waited', revisions, ahead: [] }
        } else await waitFor(answer, operation.signal)
      } catch (error) {
        if (!DroverError.isInstance(error, 'LEASE_LOST', 'FENCED') || ++losses === mostLosses) throw error
        tools.logger?.warn(`ensure: this instance has lost the work to another one, ${error.code}: ${error.message}`)
      }
    }
  } catch (error) {
    if (limit?.aborted === true && !given.signal.aborted && last !== undefined)
      throw tooLate(last, timeoutMs ?? 0, error)
    throw error
  }
}

/** The unknown revisions that are allowed, if nothing is missing; else null. */
async function ready(standing: Standing, tools: Tools, operation: Operation): Promise<readonly string[] | null> {
  standing.checkWhole()
  const ahead = standing.checkAhead()
  await refuseEdited(standing, tools.recordings, tools.journal, readAnywhere(tools.database, operation))
  return standing.pending.length === 0 ? ahead : null
}

function checkOptions({ mode, timeoutMs, whenHeld, ...options }: EnsureOptions): void {
  checkOptionNames('ensure', options, ['signal'])
  checkChoice('ensure', 'whenHeld', whenHeld, ['wait', 'fail'])
  checkWholeNumber('ensure', 'timeoutMs', timeoutMs, 1)
  if (mode === 'apply' || mode === 'verify' || mode === 'wait') return
  throw new DroverError('OPTION_INVALID', "ensure: mode is 'apply', 'verify' or 'wait', and has to be said.")
}

function behind(standing: Standing | undefined): DroverError {
  const pending = standing?.pending.map(({ id }) => id) ?? []
  return new DroverError(
    'SCHEMA_BEHIND',
    `${standing?.name} lacks ${pending.join(', ')}: it is at ${standing?.current.join(', ') || 'base'}. Apply what is missing with "drover schema up", or call ensure with mode: 'apply'.`,
  )
}

function tooLate(standing: Standing, timeoutMs: number, cause: unknown): DroverError {
  const { message } = behind(standing)
  return new DroverError('SCHEMA_BEHIND', `${message} Nobody has done it within ${timeoutMs} ms.`, { cause })
}
