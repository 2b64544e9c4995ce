import { sqliteBackfill } from '@drover/adapter-sqlite'
import { type FlowBackfill, type Report, type RunOptions, startBackfill } from '@drover/core'
import { estimateTokens } from './estimate-tokens.js'
import { logLines } from './log-lines.js'

export const messageTokensName = 'backfill-message-tokens'

/** How many tokens a text has: the estimate of this example, or a real tokenizer's count. */
export type CountTokens = (content: string) => number

/** Fills `token_count` of the messages that have a content and no count yet. */
export function messageTokens(filename: string, countTokens: CountTokens = estimateTokens): FlowBackfill {
  return sqliteBackfill<{ content: string }>({
    name: messageTokensName,
    filename,
    table: 'conversation_history',
    requires: ['conversation_history.token_count'],
    where: { token_count: { eq: 0 }, content: { ne: '' } },
    reads: ['content'],
    sets: ['token_count'],
    set: ({ content }) => ({ token_count: countTokens(content) }),
    batchSize: 500,
  })
}

export interface BackfillMessageTokensOptions extends RunOptions {
  readonly filename: string
  readonly countTokens?: CountTokens | undefined
  /** Takes the lines of the log. @default none are written */
  readonly log?: (line: string) => void
}

/** Runs it. Called again it goes on where it stopped; when it is done, it looks for messages that are new. */
export async function backfillMessageTokens(options: BackfillMessageTokensOptions): Promise<Report> {
  const { filename, countTokens, log, ...run } = options
  await using live = startBackfill({ ...run, backfiller: messageTokens(filename, countTokens) })
  if (log !== undefined) logLines(live, 'messages', log)
  return await live.result
}
