import { defineMigration, tableMissing } from '@drover/schema'

const tables = ['workflow_traces', 'agent_executions', 'performance_metrics']

export default defineMigration({
  id: '001_langsmith_monitoring',
  dependsOn: '26a6cb1543c8',
  description: 'Traces, executions of agents, metrics of performance',
  preconditions: tables.map((table) => tableMissing(table)),
  up: async ({ schema }) => {
    await schema.createTable('workflow_traces', (table) => {
      table.increments('id')
      table.string('trace_id', 255).notNullable().unique({ indexName: 'uq_workflow_traces_trace_id' })
      table.string('call_id', 255)
      table.boolean('error_occurred').notNullable().defaultTo(false)
      table.timestamp('created_at')
    })
    await schema.createTable('agent_executions', (table) => {
      table.increments('id')
      table.string('trace_id', 255).notNullable()
      table.string('agent_name', 100).notNullable()
      table.integer('duration_ms')
    })
    await schema.createTable('performance_metrics', (table) => {
      table.increments('id')
      table.string('metric_name', 255).notNullable()
      table.double('metric_value')
    })
  },
  down: async ({ schema }) => {
    for (const table of [...tables].reverse()) await schema.dropTable(table)
  },
})
