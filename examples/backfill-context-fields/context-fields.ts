import { sqliteBackfill } from '@drover/adapter-sqlite'
import { type FlowBackfill, type Report, type RunOptions, startBackfill } from '@drover/core'
import { messageTokensName } from '@drover-examples/backfill-message-tokens'
import { logLines } from '@drover-examples/backfill-message-tokens/log-lines'
import { decideContext } from './decide-context.js'

export const contextFieldsName = 'backfill-context-fields'

const messagesOfCall = 'FROM conversation_history WHERE conversation_history.call_id = calls.call_id'

/** Fills the context fields of calls that have none of them yet and are older than an hour; without a date nobody knows. */
export function contextFields(filename: string): FlowBackfill {
  return sqliteBackfill<{ messages: number | bigint; tokens: number | bigint }>({
    name: contextFieldsName,
    filename,
    table: 'calls',
    requires: [
      'calls.context_pruned',
      'calls.pruning_count',
      'calls.total_context_tokens',
      'conversation_history.token_count',
    ],
    // As SQL: the hour is counted from when a batch is read, and a run that is resumed later is the same run.
    where: `context_pruned = 0 AND pruning_count = 0 AND total_context_tokens = 0
      AND julianday(created_at) < julianday('now', '-1 hour')`,
    reads: {
      messages: `SELECT count(*) ${messagesOfCall}`,
      tokens: `SELECT coalesce(sum(token_count), 0) ${messagesOfCall}`,
    },
    sets: ['context_pruned', 'pruning_count', 'total_context_tokens'],
    set: ({ messages, tokens }) => {
      const fields = decideContext({ messages: Number(messages), tokens: Number(tokens) })
      // The defaults are there already.
      return fields.total_context_tokens === 0 ? null : { ...fields }
    },
    batchSize: 100,
  })
}

export interface BackfillContextFieldsOptions extends RunOptions {
  readonly filename: string
  /** Takes the lines of the log. @default none are written */
  readonly log?: (line: string) => void
}

/** Runs it, once the message tokens that it adds up are there. */
export async function backfillContextFields(options: BackfillContextFieldsOptions): Promise<Report> {
  const { filename, log, ...run } = options
  await using live = startBackfill({ ...run, backfiller: contextFields(filename), dependsOn: [messageTokensName] })
  if (log !== undefined) logLines(live, 'calls', log)
  return await live.result
}
