import { postgresBackfill } from '@drover/adapter-postgres'
import { sqliteBackfill } from '@drover/adapter-sqlite'
import { type FlowBackfill, type Report, type RunOptions, startBackfill } from '@drover/core'
import { isPostgres } from './database.js'
import { estimateTokens } from './estimate-tokens.js'
import { logLines } from './log-lines.js'

export const messageTokensName = 'backfill-message-tokens'

/** How many tokens a text has: the estimate of this example, or a real tokenizer's count. */
export type CountTokens = (content: string) => number

/**
 * Fills `token_count` of the messages that have a content and no count yet.
 *
 * @param database The path of a SQLite database, or the URL of one in PostgreSQL.
 */
export function messageTokens(database: string, countTokens: CountTokens = estimateTokens): FlowBackfill {
  const backfill = {
    name: messageTokensName,
    table: 'conversation_history',
    requires: ['conversation_history.token_count'],
    where: { token_count: { eq: 0 }, content: { ne: '' } },
    reads: ['content'],
    sets: ['token_count'],
    set: ({ content }: { content: string }) => ({ token_count: countTokens(content) }),
    batchSize: 500,
  }
  return isPostgres(database)
    ? postgresBackfill({ ...backfill, connection: database })
    : sqliteBackfill({ ...backfill, filename: database })
}

export interface BackfillMessageTokensOptions extends RunOptions {
  /** The path of a SQLite database, or the URL of one in PostgreSQL. */
  readonly database: string
  readonly countTokens?: CountTokens | undefined
  /** Takes the lines of the log. @default none are written */
  readonly log?: (line: string) => void
}

/** Runs it. Called again it goes on where it stopped; when it is done, it looks for messages that are new. */
export async function backfillMessageTokens(options: BackfillMessageTokensOptions): Promise<Report> {
  const { database, countTokens, log, ...run } = options
  await using live = startBackfill({ ...run, backfiller: messageTokens(database, countTokens) })
  if (log !== undefined) logLines(live, 'messages', log)
  return await live.result
}
