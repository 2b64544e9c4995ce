export type { FaultKind, FaultOptions } from './fault.js'
export { type QdrantProcess, type QdrantProcessOptions, startQdrantProcess } from './qdrant-process.js'
export { type QdrantServer, type QdrantServerOptions, startQdrantServer } from './qdrant-server.js'
export type { AnsweredRequest } from './request-handler.js'
