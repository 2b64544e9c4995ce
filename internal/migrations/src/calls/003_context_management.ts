import { columnMissing, defineMigration, noNulls, rowCountsUnchanged } from '@drover/schema'

const callColumns = {
  context_pruned: { type: 'boolean', nullable: false, default: false },
  pruning_count: { type: 'integer', nullable: false, default: 0 },
  total_context_tokens: { type: 'integer', nullable: false, default: 0 },
}
const messageColumns = {
  importance_score: { type: 'double', nullable: false, default: 0 },
  token_count: { type: 'integer', nullable: false, default: 0 },
}
const indexes = {
  calls: {
    ix_calls_context_pruned: ['context_pruned'],
    ix_calls_pruning_count: ['pruning_count'],
    ix_calls_total_context_tokens: ['total_context_tokens'],
    ix_calls_context_pruned_tokens: ['context_pruned', 'total_context_tokens'],
  },
  conversation_history: {
    ix_conversation_history_importance_score: ['importance_score'],
    ix_conversation_history_token_count: ['token_count'],
    ix_conversation_history_call_importance: ['call_id', 'importance_score'],
  },
}

export default defineMigration({
  id: '003_context_management',
  dependsOn: '002_voice_agent_integration',
  description: 'What of a conversation was pruned, how important its messages are, and their tokens',
  actions: ['run backfill_message_tokens', 'run backfill_context_fields'],
  preconditions: [
    columnMissing('calls', ...Object.keys(callColumns)),
    columnMissing('conversation_history', ...Object.keys(messageColumns)),
  ],
  assured: { 'index-not-concurrent': 'the indexes are over columns that are new, in a window' },
  up: async ({ schema }) => {
    for (const [name, definition] of Object.entries(callColumns)) await schema.addColumn('calls', name, definition)
    for (const [name, definition] of Object.entries(messageColumns)) {
      await schema.addColumn('conversation_history', name, definition)
    }
    for (const [table, named] of Object.entries(indexes)) {
      for (const [name, columns] of Object.entries(named)) await schema.createIndex(table, { name, columns })
    }
  },
  down: async ({ schema }) => {
    for (const named of Object.values(indexes)) for (const name of Object.keys(named)) await schema.dropIndex(name)
    await schema.dropColumn('conversation_history', ...Object.keys(messageColumns))
    await schema.dropColumn('calls', ...Object.keys(callColumns))
  },
  postconditions: [
    noNulls('calls', ...Object.keys(callColumns)),
    noNulls('conversation_history', ...Object.keys(messageColumns)),
    rowCountsUnchanged('calls', 'conversation_history'),
  ],
})
