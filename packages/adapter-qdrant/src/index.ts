export type { Embedder, Embedding, EmbeddingOptions } from './embed/embedder.js'
export { type OpenAiEmbedderOptions, openAiEmbedder } from './embed/open-ai-embedder.js'
export type { QdrantRecord } from './source/qdrant-record.js'
export { type QdrantSourceOptions, qdrantSource } from './source/qdrant-source.js'
