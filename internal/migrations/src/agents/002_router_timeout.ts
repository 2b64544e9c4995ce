import { defineMigration, rowVersionIs } from '@drover/schema'

const attribute = { table: 'routers', column: 'agent_metadata', path: '$.timeout_seconds', malformed: 'keep' } as const

export default defineMigration({
  id: '002_router_timeout',
  dependsOn: '001_agent_tables',
  description: 'How long a router may take: an attribute of its metadata',
  preconditions: [rowVersionIs('routers', 1)],
  up: async ({ schema }) => schema.addJsonAttribute({ ...attribute, value: 300, missing: 'keep' }),
  down: async ({ schema }) => schema.removeJsonAttribute(attribute),
})
