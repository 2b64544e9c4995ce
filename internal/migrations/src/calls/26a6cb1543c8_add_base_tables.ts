import { defineMigration } from '@drover/schema'

export default defineMigration({
  id: '26a6cb1543c8',
  description: 'Calls, their conversations, contacts and metrics',
  up: async ({ schema, knex }) => {
    await schema.createTable('calls', (table) => {
      table.increments('id')
      table.string('call_id', 255).notNullable().unique({ indexName: 'uq_calls_call_id' })
      table.string('phone_number', 20).notNullable()
      table.string('status', 50).notNullable()
      table.timestamp('started_at')
      table.timestamp('ended_at')
      table.double('duration_seconds')
      table.json('lead_data')
      table.double('qualification_score')
      table.boolean('qualified')
      table.string('initial_tier', 50).notNullable()
      table.string('final_tier', 50)
      table.integer('tier_switches')
      table.string('escalation_trigger', 100)
      for (const cost of ['total_cost', 'llm_cost', 'tts_cost', 'stt_cost']) table.double(cost)
      for (const latency of ['avg_response_time_ms', 'llm_latency_ms', 'tts_latency_ms', 'stt_latency_ms'])
        table.double(latency)
      table.boolean('error_occurred')
      table.text('error_message')
      table.string('error_code', 50)
      table.text('conversation_summary')
      table.integer('total_messages')
      table.timestamp('created_at').defaultTo(knex.fn.now())
      table.timestamp('updated_at')
    })
    await schema.createTable('conversation_history', (table) => {
      table.increments('id')
      table.string('call_id', 255).notNullable().references('call_id').inTable('calls')
      table.integer('message_order').notNullable()
      table.string('role', 20).notNullable()
      table.text('content').notNullable()
      table.double('processing_time_ms')
      table.double('confidence_score')
      table.string('agent_type', 50)
      table.json('agent_state')
      table.integer('llm_tokens_used')
      table.integer('tts_characters')
      table.double('processing_cost')
      table.timestamp('created_at')
    })
    await schema.createTable('contacts', (table) => {
      table.increments('id')
      table.string('phone_number', 20).notNullable()
      table.string('name', 255)
    })
    await schema.createTable('call_notes', (table) => {
      table.increments('id')
      table.string('call_id', 255).notNullable().references('call_id').inTable('calls').onDelete('CASCADE')
      table.text('note').notNullable()
    })
    await schema.createTable('system_metrics', (table) => {
      table.increments('id')
      table.string('metric_name', 255).notNullable()
      table.double('metric_value')
      table.timestamp('recorded_at')
    })
    await schema.createIndex('conversation_history', { name: 'ix_conversation_history_call_id', columns: ['call_id'] })
    await schema.createIndex('calls', { name: 'ix_calls_status', columns: ['status'] })
  },
  down: async ({ schema }) => {
    for (const table of ['system_metrics', 'call_notes', 'contacts', 'conversation_history', 'calls'])
      await schema.dropTable(table)
  },
})
