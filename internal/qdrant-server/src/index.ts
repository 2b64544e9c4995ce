export { type QdrantServer, type QdrantServerOptions, startQdrantServer } from './qdrant-server.js'
