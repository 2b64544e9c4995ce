import type { Migration } from '@drover/schema'
import baseTables from './26a6cb1543c8_add_base_tables.js'
import monitoring from './001_langsmith_monitoring.js'
import voiceAgent from './002_voice_agent_integration.js'
import contextManagement from './003_context_management.js'
import performanceIndexes from './004_performance_indexes.js'

/**
 * The five revisions of the call center that the migration guide speaks of. Of `calls` and `conversation_history` the columns are the real ones; of the
 * tables that the guide only names, they are made up.
 */
export const callMigrations: readonly Migration[] = [
  baseTables,
  monitoring,
  voiceAgent,
  contextManagement,
  performanceIndexes,
]
