import { DroverError } from '@drover/core'
import {
  anyText,
  anything,
  choice,
  either,
  flag,
  list,
  map,
  type ObjectShape,
  object,
  secret,
  text,
  type VariantsShape,
  whole,
} from '../shape/shape.js'
import { checkpointFiltersShape } from './checkpoint-filters.js'
import { checkpointLayouts } from './checkpoint-layouts.js'
import { embeddingShape, withEmbed } from './embed.js'
import type { StoreType } from './store-type.js'

type Store = keyof typeof checkpointLayouts

/** The store itself, as its adapter takes it. */
const places: Readonly<Record<Store, { readonly shape: ObjectShape; readonly required: readonly string[] }>> = {
  postgres: {
    shape: object({
      connection: either(
        [secret(), map(anything())],
        'postgres://user:password@host:port/database, or a configuration of pg.',
      ),
      table: text('The table of a chat history. Default: chat_message_history, else message_store.'),
      schema: text('The schema that the tables are in. Default: the first of search_path.'),
    }),
    required: ['connection'],
  },
  sqlite: {
    shape: object({
      filename: text('The database: `chat.db`, `sqlite:///relative.db`, `sqlite:////absolute.db` or a `file:` URI.'),
      table: text('The table of a chat history. Default: chat_message_history, else message_store.'),
    }),
    required: ['filename'],
  },
  redis: {
    shape: object({
      connection: either(
        [secret(), map(anything())],
        'redis://user:password@host:port/database, or options of ioredis.',
      ),
      keyPrefix: anyText('What the names of the keys begin with, where that is not what the library takes.'),
    }),
    required: ['connection'],
  },
  qdrant: {
    shape: object({
      url: secret('http://localhost:6333. Default: the variable QDRANT_URL, else that.'),
      apiKey: secret('Default: the variable QDRANT_API_KEY.'),
      collection: text('The collection.'),
    }),
    required: ['collection'],
  },
}

const vectors = {
  embeddingModel: text(
    'A model of an OpenAI-compatible endpoint that makes the vectors: the variables OPENAI_API_KEY and OPENAI_BASE_URL say where.',
  ),
  embedder: text('A function of your own that makes the vectors: ./embed.ts#embed.'),
  embedding: embeddingShape,
  dimensions: whole(1, 'How long the vectors are.'),
}

const sessions = choice(
  ['text', 'uuid'],
  'Of a chat history whose table is created: as langchain-community has it, or as langchain-postgres, which takes UUIDs alone. Default: text.',
)

function byStore(noun: string, about: string, more: (store: Store) => ObjectShape['fields']): VariantsShape {
  const stores = Object.keys(places) as Store[]
  const types = stores.map((store) => {
    const { shape, required } = places[store]
    const layout = choice(checkpointLayouts[store], "How the agents' data lies there.")
    return [store, object({ ...shape.fields, layout, ...more(store) }, required, about)]
  })
  return { kind: 'variants', noun, by: 'store', types: Object.fromEntries(types) as Record<string, ObjectShape>, about }
}

const source = byStore('store of checkpoints', 'Reads checkpoints of LangGraph or messages of LangChain.', () => ({
  filters: checkpointFiltersShape,
  name: text("Names the source in reports and in the run's fingerprint."),
}))
const sink = byStore(
  'store of checkpoints',
  'Writes checkpoints or messages as LangGraph or LangChain keep them.',
  (store) => ({
    onConflict: choice(['error', 'skip', 'update'], 'What becomes of a record whose key is there. Default: error.'),
    ...(store === 'qdrant' ? vectors : {}),
    ...(store === 'postgres' ? { sessions } : {}),
  }),
)

/** Agents' data in any of the layouts that their libraries have. */
export const checkpoints: StoreType = {
  package: '@drover/checkpoints',
  roles: {
    source: { factory: 'checkpointSource', options: source, prepare: (options) => withPlace(options) },
    sink: {
      factory: 'checkpointSink',
      options: sink,
      prepare: async (options, making) =>
        withPlace({ ...(await withEmbed(askedFor(options), making)), ...dimensionsOf(options) }),
    },
  },
}

/** How long the vectors of models are: https://platform.openai.com/docs/guides/embeddings */
export const lengthsOfModels: Readonly<Record<string, number>> = {
  'text-embedding-ada-002': 1536,
  'text-embedding-3-small': 1536,
  'text-embedding-3-large': 3072,
}

/** Not every model can be asked for vectors of a length; none has to be, for those it makes anyhow. */
function askedFor({ dimensions, ...options }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isUsual = dimensions === undefined || dimensions === lengthsOfModels[String(options.embeddingModel)]
  return isUsual ? options : { ...options, dimensions }
}

/** A collection is made for vectors of one length. @throws `OPTION_INVALID` where nobody says it. */
function dimensionsOf({ dimensions, embeddingModel, embedder }: Readonly<Record<string, unknown>>): object {
  if (embeddingModel === undefined && embedder === undefined) return dimensions === undefined ? {} : { dimensions }
  const known = dimensions ?? lengthsOfModels[String(embeddingModel)]
  if (known !== undefined) return { dimensions: known }
  throw new DroverError(
    'OPTION_INVALID',
    `how long are the vectors of ${String(embeddingModel ?? embedder)}? Say it with dimensions: a collection is made for one length`,
  )
}

/** The options of a file with the store as a thing of its own. */
function withPlace({ store, ...options }: Readonly<Record<string, unknown>>): object {
  const { connection, filename, url, apiKey, collection, ...rest } = options
  const given = Object.entries({ connection, filename, url, apiKey, collection })
  return { place: { type: store, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }, ...rest }
}

const exported = {
  keys: object(
    { aes: secret('The key of values that LangGraph has encrypted: 16, 24 or 32 characters, or base64.') },
    ['aes'],
    'What encrypted values are opened with. Without it they stay as they are.',
  ),
}

/** JSON files of checkpoints or messages, for people and other programs. */
export const checkpointsJson: StoreType = {
  package: '@drover/checkpoints',
  roles: {
    sink: {
      factory: 'checkpointJsonSink',
      options: object(
        {
          outputDir: text('The folder that the files are written to.'),
          singleFile: flag('One file, checkpoints_export.json, in place of one for each batch. Default: false.'),
          indent: whole(0, 'Spaces per level. Default: 2.'),
          gzip: flag('Compress the files. Default: false.'),
          ...exported,
          onExisting: choice(['replace', 'error'], 'What becomes of files that are there. Default: replace.'),
        },
        ['outputDir'],
        'Writes checkpoints or messages as JSON with their metadata, exactly once.',
      ),
    },
  },
}

export const checkpointsParquet: StoreType = {
  package: '@drover/checkpoints',
  roles: {
    sink: {
      factory: 'checkpointParquetSink',
      options: object(
        {
          path: text('A file that ends with .parquet, or the folder of a data set.'),
          compression: choice(['snappy', 'zstd', 'gzip', 'none'], 'How pages are compressed. Default: snappy.'),
          partitionBy: list(text(), 'The columns that folders are named after.', 1),
          ...exported,
          onExisting: choice(
            ['replace', 'error', 'append'],
            'What becomes of an output that is there. Default: replace.',
          ),
        },
        ['path'],
        'Writes checkpoints or messages as rows of Parquet, exactly once.',
      ),
    },
  },
}
