import { columnExists, columnMissing, defineMigration } from '@drover/schema'

export default defineMigration({
  id: '003_conversation_context',
  dependsOn: '002_router_timeout',
  description: 'What a planner remembers of its conversation',
  preconditions: [columnMissing('planners', 'conversation_context')],
  up: async ({ schema }) => schema.addColumn('planners', 'conversation_context', { type: 'text' }),
  down: async ({ schema }) => schema.dropColumn('planners', 'conversation_context'),
  postconditions: [columnExists('planners', 'conversation_context')],
})
