import { postgresBackfill } from '@drover/adapter-postgres'
import { sqliteBackfill } from '@drover/adapter-sqlite'
import { type FlowBackfill, type Report, type RunOptions, startBackfill } from '@drover/core'
import { messageTokensName } from '@drover-examples/backfill-message-tokens'
import { isPostgres } from '@drover-examples/backfill-message-tokens/database'
import { logLines } from '@drover-examples/backfill-message-tokens/log-lines'
import { type Conversation, decideContext } from './decide-context.js'

export const contextFieldsName = 'backfill-context-fields'

const messagesOfCall = 'FROM conversation_history WHERE conversation_history.call_id = calls.call_id'

/**
 * Fills the context fields of calls that have none of them yet and are older than an hour. Of a call without a date nobody knows
 * how old it is: it is read, counted as skipped, and left alone.
 *
 * @param database The path of a SQLite database, or the URL of one in PostgreSQL.
 */
export function contextFields(database: string): FlowBackfill {
  const backfill = {
    name: contextFieldsName,
    table: 'calls',
    requires: [
      'calls.context_pruned',
      'calls.pruning_count',
      'calls.total_context_tokens',
      'conversation_history.token_count',
    ],
    where: `NOT context_pruned AND pruning_count = 0 AND total_context_tokens = 0
      AND (created_at IS NULL OR ${olderThanAnHour(database)})`,
    reads: {
      dated: 'created_at IS NOT NULL',
      messages: `SELECT count(*) ${messagesOfCall}`,
      tokens: `SELECT coalesce(sum(token_count), 0) ${messagesOfCall}`,
    },
    sets: ['context_pruned', 'pruning_count', 'total_context_tokens'],
    // Where there are no tokens, the defaults are there already.
    set: ({ dated, messages, tokens }: Conversation & { dated: boolean | 0 | 1 }) =>
      dated && tokens > 0 ? decideContext({ messages, tokens }) : null,
    batchSize: 100,
  }
  return isPostgres(database)
    ? postgresBackfill({ ...backfill, connection: database })
    : sqliteBackfill({ ...backfill, filename: database })
}

/** In SQL: by the database's clock, when a batch is read, and a run that is resumed later is the same run. */
export function olderThanAnHour(database: string): string {
  return isPostgres(database)
    ? `created_at < now() - interval '1 hour'`
    : `julianday(created_at) < julianday('now', '-1 hour')`
}

export interface BackfillContextFieldsOptions extends RunOptions {
  /** The path of a SQLite database, or the URL of one in PostgreSQL. */
  readonly database: string
  /** Takes the lines of the log. @default none are written */
  readonly log?: (line: string) => void
}

/** Runs it, once the message tokens that it adds up are there. */
export async function backfillContextFields(options: BackfillContextFieldsOptions): Promise<Report> {
  const { database, log, ...run } = options
  await using live = startBackfill({ ...run, backfiller: contextFields(database), dependsOn: [messageTokensName] })
  if (log !== undefined) logLines(live, 'calls', log)
  return await live.result
}
