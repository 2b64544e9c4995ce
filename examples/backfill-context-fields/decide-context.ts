/** What is known of a call's conversation. */
export interface Conversation {
  readonly messages: number
  /** The sum of its messages' token counts. */
  readonly tokens: number
}

/** The fields of a call that migration 003 added, by the columns' names. */
export interface ContextFields {
  readonly context_pruned: boolean
  readonly pruning_count: number
  readonly total_context_tokens: number
}

/** Context longer than this in messages and in tokens was pruned. */
const mostMessages = 20
const mostTokens = 8_000

/** Estimates whether, and how often, the context of a call was pruned. Equal to the columns' defaults for a call without tokens. */
export function decideContext({ messages, tokens }: Conversation): ContextFields {
  const isPruned = messages > mostMessages && tokens > mostTokens
  return {
    context_pruned: isPruned,
    pruning_count: isPruned ? Math.max(1, Math.floor((tokens - mostTokens) / mostTokens)) : 0,
    total_context_tokens: tokens,
  }
}
