import { columnMissing, defineMigration } from '@drover/schema'

const columns = {
  workflow_context_id: { type: 'varchar(255)' },
  current_agent: { type: 'varchar(100)' },
  // Its default was the client's, so rows that are there have none.
  agent_transition_count: { type: 'integer' },
  tier_escalation_trigger: { type: 'varchar(100)' },
}

export default defineMigration({
  id: '002_voice_agent_integration',
  dependsOn: '001_langsmith_monitoring',
  description: 'Transitions between agents and escalations of a call',
  preconditions: [columnMissing('calls', ...Object.keys(columns))],
  up: async ({ schema }) => {
    for (const [name, definition] of Object.entries(columns)) await schema.addColumn('calls', name, definition)
    for (const name of ['agent_transitions', 'tier_escalation_events']) {
      await schema.createTable(name, (table) => {
        table.increments('id')
        table.string('call_id', 255).notNullable().references('call_id').inTable('calls')
        table.string('from_name', 100)
        table.string('to_name', 100).notNullable()
        table.timestamp('created_at')
      })
      await schema.createIndex(name, { name: `ix_${name}_call_id`, columns: ['call_id'] })
    }
  },
  down: async ({ schema }) => {
    await schema.dropTable('tier_escalation_events')
    await schema.dropTable('agent_transitions')
    await schema.dropColumn('calls', ...Object.keys(columns))
  },
})
