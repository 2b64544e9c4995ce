export { agentMigrations } from './agents/agent-migrations.js'
export { callMigrations } from './calls/call-migrations.js'
