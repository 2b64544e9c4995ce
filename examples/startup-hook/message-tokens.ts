import { postgresBackfill } from '@drover/adapter-postgres'
import type { FlowBackfill } from '@drover/core'
import { countTokens } from './count-tokens.js'

export const messageTokensName = 'message-tokens'

/** What trades the speed of the backfill against the latency of the application. */
export interface Knobs {
  /** Rows that are updated, and stay locked, until one transaction ends. @default 1000 */
  readonly batchSize?: number
  /** How long a statement of the backfill waits for a row that a request has locked. */
  readonly lockTimeoutMs?: number
  /** Leave such rows to a later run. */
  readonly skipLocked?: boolean
}

/** Counts the tokens of the messages that the release before this one wrote. */
export function messageTokens(connection: string, knobs: Knobs, onRow: () => void = () => {}): FlowBackfill {
  return postgresBackfill<{ content: string }>({
    name: messageTokensName,
    connection,
    table: 'messages',
    requires: ['messages.token_count'],
    where: { token_count: { eq: 0 } },
    reads: ['content'],
    sets: ['token_count'],
    set: ({ content }) => {
      onRow()
      return { token_count: countTokens(content) }
    },
    // Requests that write to a row of the batch wait for its end: with the default of 2,000 a little longer than with these.
    batchSize: 1_000,
    ...knobs,
  })
}
