import { expect, it } from 'vitest'
import { decideContext } from './decide-context.js'

it.each([
  { messages: 21, tokens: 8_000, context_pruned: false, pruning_count: 0 },
  { messages: 20, tokens: 8_001, context_pruned: false, pruning_count: 0 },
  { messages: 21, tokens: 8_001, context_pruned: true, pruning_count: 1 },
  { messages: 21, tokens: 23_999, context_pruned: true, pruning_count: 1 },
  { messages: 21, tokens: 24_000, context_pruned: true, pruning_count: 2 },
  { messages: 0, tokens: 0, context_pruned: false, pruning_count: 0 },
])(
  '$messages messages of $tokens tokens: pruned $context_pruned, $pruning_count times',
  ({ messages, tokens, ...expected }) => {
    expect(decideContext({ messages, tokens })).toEqual({ ...expected, total_context_tokens: tokens })
  },
)
