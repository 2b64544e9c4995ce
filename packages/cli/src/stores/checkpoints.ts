import {
  anyText,
  anything,
  choice,
  either,
  flag,
  map,
  names,
  type ObjectShape,
  object,
  secret,
  text,
  type VariantsShape,
  whole,
} from '../shape/shape.js'
import { checkpointFiltersShape } from './checkpoint-filters.js'
import { checkpointLayouts } from './checkpoint-layouts.js'
import { withEmbed } from './embed.js'
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

const embedding = {
  embeddingModel: text(
    'A model of an OpenAI-compatible endpoint that makes the vectors: the variables OPENAI_API_KEY and OPENAI_BASE_URL say where.',
  ),
  embedder: text('A function of your own that makes the vectors: ./embed.ts#embed.'),
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
    ...(store === 'qdrant' ? embedding : {}),
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
        withPlace({ ...(await withEmbed(options, making)), ...pickDefined(options, 'dimensions') }),
    },
  },
}

/** How long vectors are is for a collection to know too, whoever makes them. */
function pickDefined(options: Readonly<Record<string, unknown>>, name: string): object {
  return options[name] === undefined ? {} : { [name]: options[name] }
}

/** The options of a file with the store as a thing of its own. */
function withPlace({ store, ...options }: Readonly<Record<string, unknown>>): object {
  const { connection, filename, url, apiKey, collection, ...rest } = options
  const given = Object.entries({ connection, filename, url, apiKey, collection })
  return { place: { type: store, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }, ...rest }
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
          partitionBy: names('The columns that folders are named after.'),
        },
        ['path'],
        'Writes checkpoints or messages as rows of Parquet, exactly once.',
      ),
    },
  },
}
