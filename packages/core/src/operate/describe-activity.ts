import { duration } from '../report/text.js'
import { isHolderGone } from '../state/holder.js'
import type { RunHolder, RunOverview } from './run-overview.js'

/** A process that is heard every two seconds was silent for long enough to be mentioned. */
const worthSayingMs = 6_000

/** What goes on with a run, and what can be done, for the person on call. */
export function describeActivity(run: Omit<RunOverview, 'message'>): string {
  const { activity, control, holders, completedAt, lastOutcome } = run
  const alive = holders.filter(({ isStale }) => !isStale)
  const who = alive.map(({ holder }) => holder).join(' and ')
  const because = control.reason === undefined ? '' : ` (${control.reason})`
  const said = lastOutcome?.reason === undefined ? '' : `: ${lastOutcome.reason.replace(/\.$/, '')}`
  switch (activity) {
    case 'completed':
      return `It completed at ${completedAt?.toISOString() ?? 'a time that is not known'}.`
    case 'running':
      return `${who} works on it.${silence(alive)}`
    case 'pausing':
      return `It is to be paused${because}: ${who} ends the batch in hand first.${silence(alive)}`
    case 'paused':
      return control.state === 'pause'
        ? `It is paused${because}: ${who} waits until it is resumed.${here(alive)}${silence(alive)}`
        : `It is paused by its own process, ${who}, which alone can resume it.${silence(alive)}`
    case 'stopping':
      return `It is to stop${because}: ${who} ends the batch in hand first.${silence(alive)}`
    case 'stale':
      return `Nobody works on it: ${holders.map(lost).join('; ')}. Start it again, and it goes on from where it stands.${later(run)}`
    case 'stopped':
      return `It stopped${said}. Start it again, and it goes on from there.${later(run)}`
    case 'failed':
      return `It failed${said}. Once that is mended, start it again, and it goes on from where it stands.${later(run)}`
    case 'idle':
      return `Nobody works on it. Start it, and it goes on from where it stands.${later(run)}`
  }
}

function lost({ holder, expiresAt }: RunHolder): string {
  if (isHolderGone(holder)) return `the lease of ${holder} is stale, whose process is gone`
  return `the lease of ${holder} is stale, it ended at ${expiresAt.toISOString()} without a heartbeat`
}

function here(alive: readonly RunHolder[]): string {
  return alive.some(({ telling }) => telling?.pausedHere === true)
    ? ' Its own process has paused it too, and must resume it as well.'
    : ''
}

function silence(alive: readonly RunHolder[]): string {
  const longest = Math.max(0, ...alive.map(({ silentMs = 0 }) => silentMs))
  const leaseMs = Math.min(...alive.map(({ telling }) => telling?.leaseMs ?? Number.POSITIVE_INFINITY))
  if (longest < Math.max(worthSayingMs, leaseMs / 2)) return ''
  return ` It was not heard of for ${duration(longest)}: its process may sleep, be gone, or not reach the state store.`
}

/** What was asked while nobody works on it. */
function later({ control }: Omit<RunOverview, 'message'>): string {
  const because = control.reason === undefined ? '' : ` (${control.reason})`
  return control.state === 'pause' ? ` It is to be paused${because}: who starts it waits until it is resumed.` : ''
}
