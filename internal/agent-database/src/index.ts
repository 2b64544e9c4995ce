export { type AgentDatabaseOptions, makeAgentDatabase } from './make-agent-database.js'
export { type Message, messagesOf } from './messages.js'
export { seededRandom } from './random.js'
export { type SampleOptions, sampleDatabase } from './sample-database.js'
