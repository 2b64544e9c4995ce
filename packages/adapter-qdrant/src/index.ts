export type { Embedder, Embedding, EmbeddingOptions } from './embed/embedder.js'
export { type OpenAiEmbedderOptions, openAiEmbedder } from './embed/open-ai-embedder.js'
