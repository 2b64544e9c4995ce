import { defineMigration, rowVersionIs } from '@drover/schema'

const promotion = {
  table: 'routers',
  column: 'agent_metadata',
  path: '$.timeout_seconds',
  to: { name: 'timeout_seconds', type: 'integer', default: 300 },
} as const

export default defineMigration({
  id: '004_promote_timeout',
  dependsOn: '003_conversation_context',
  description: 'The timeout of routers is asked for often, so it gets a column',
  up: async ({ schema }) => {
    await schema.promoteJson(promotion)
    await schema.setRowVersion('routers', 2)
  },
  down: async ({ schema }) => {
    await schema.demoteJson(promotion)
    await schema.setRowVersion('routers', 1)
  },
  postconditions: [rowVersionIs('routers', 2)],
})
