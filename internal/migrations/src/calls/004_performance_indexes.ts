import { defineMigration, indexValid } from '@drover/schema'

const indexes = [
  {
    table: 'calls',
    name: 'ix_calls_context_pruned_only',
    columns: ['total_context_tokens', 'pruning_count'],
    where: 'context_pruned = true',
  },
  {
    table: 'conversation_history',
    name: 'ix_conversation_history_important_only',
    columns: ['call_id', 'importance_score'],
    where: 'importance_score > 0.5',
  },
  {
    table: 'system_metrics',
    name: 'ix_system_metrics_gpu_metrics',
    columns: ['recorded_at'],
    where: "metric_name LIKE 'gpu_%'",
  },
  {
    table: 'system_metrics',
    name: 'ix_system_metrics_streaming_metrics',
    columns: ['recorded_at'],
    where: "metric_name LIKE 'streaming_%'",
  },
  {
    table: 'workflow_traces',
    name: 'ix_workflow_traces_errors',
    columns: ['created_at'],
    where: 'error_occurred = true',
  },
  {
    table: 'agent_executions',
    name: 'ix_agent_executions_slow',
    columns: ['duration_ms'],
    where: 'duration_ms > 2000',
  },
]

export default defineMigration({
  id: '004_performance_indexes',
  dependsOn: '003_context_management',
  description: 'Partial indexes of the dashboard, built while the application goes on',
  transaction: 'none',
  idempotent: true,
  up: async ({ schema }) => {
    for (const { table, ...index } of indexes) await schema.concurrentIndex(table, index)
  },
  down: async ({ schema, dialect }) => {
    for (const { name } of indexes)
      await schema.dropIndex(name, { ifExists: true, concurrently: dialect === 'postgres' })
  },
  postconditions: [indexValid(...indexes.map(({ name }) => name))],
})
