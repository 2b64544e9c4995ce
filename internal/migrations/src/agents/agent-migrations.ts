import type { Migration } from '@drover/schema'
import agentTables from './001_agent_tables.js'
import routerTimeout from './002_router_timeout.js'
import conversationContext from './003_conversation_context.js'
import promoteTimeout from './004_promote_timeout.js'
import workersV2 from './005_workers_v2.js'

/** The agent's database of the SQLite guide, and the guide's four procedures on it: an attribute in JSON, a column, a promotion, a restructure. */
export const agentMigrations: readonly Migration[] = [
  agentTables,
  routerTimeout,
  conversationContext,
  promoteTimeout,
  workersV2,
]
