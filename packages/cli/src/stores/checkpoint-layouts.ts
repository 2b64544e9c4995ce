/** The layouts of agents' data by the store they lie in, as `@drover/checkpoints` has them: it is loaded only when a file asks for it. */
export const checkpointLayouts = {
  postgres: ['langgraph-postgres', 'langgraph-postgres-shallow', 'langgraph-js-postgres', 'langchain-postgres'],
  sqlite: ['langgraph-sqlite', 'langgraph-js-sqlite', 'langchain-sqlite'],
  redis: [
    'langgraph-redis',
    'langgraph-redis-shallow',
    'langgraph-js-redis',
    'langchain-redis-list',
    'langchain-redis-json',
  ],
  qdrant: ['unified-qdrant', 'unified-qdrant-messages', 'langchain-qdrant'],
} as const
