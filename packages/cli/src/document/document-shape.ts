import {
  amount,
  anyText,
  anything,
  type ChosenShape,
  choice,
  flag,
  list,
  map,
  names,
  type ObjectShape,
  object,
  secret,
  text,
  whole,
} from '../shape/shape.js'
import { checkpointFiltersShape } from '../stores/checkpoint-filters.js'
import { checkpointLayouts } from '../stores/checkpoint-layouts.js'

const onConflict = choice(
  ['error', 'skip', 'update'],
  'What becomes of a record whose key is there: it is refused, left alone, or replaced.',
)
const layoutOf = (store: keyof typeof checkpointLayouts, about: string) => choice(checkpointLayouts[store], about)
const detected = "How the agents' data lies in the store. Default: found out by what is there."
const written = "How the agents' data is to lie in the store."

const postgresPlace = {
  connection_string: secret('postgresql://user:password@host:port/database'),
  table_name: text('The table of a chat history. Default: chat_message_history, else message_store.'),
  schema: text('The schema that the tables are in. Default: the first of search_path.'),
}
const sqlitePlace = {
  connection_string: secret('sqlite:///path/to/db.sqlite, or the path itself.'),
  table_name: text('The table of a chat history. Default: chat_message_history, else message_store.'),
}
const redisPlace = {
  redis_url: secret('redis://user:password@host:port/database'),
  key_prefix: anyText('What the names of the keys begin with, where that is not what the library takes.'),
}
const qdrantPlace = {
  qdrant_url: secret('http://localhost:6333. Default: the variable QDRANT_URL, else that.'),
  collection: text('The collection.'),
  api_key: secret('Default: the variable QDRANT_API_KEY.'),
}

const postgresSource = object(
  { ...postgresPlace, layout: layoutOf('postgres', detected) },
  ['connection_string'],
  'Checkpoints or messages of a PostgreSQL database.',
)
const sqliteSource = object(
  { ...sqlitePlace, layout: layoutOf('sqlite', detected) },
  ['connection_string'],
  'Checkpoints or messages of an SQLite database.',
)
const redisSource = object(
  {
    ...redisPlace,
    decode_responses: flag('Values are read as texts, as their layout has them: true, which may be left out.'),
    layout: layoutOf('redis', detected),
  },
  ['redis_url'],
  'Checkpoints or messages of a Redis.',
)
const qdrantSource = object(
  { ...qdrantPlace, layout: layoutOf('qdrant', detected) },
  ['collection'],
  'Unified memory: checkpoints or messages in a collection of Qdrant.',
)

const qdrantSink = object(
  {
    ...qdrantPlace,
    embedding_model: text(
      'A model of an OpenAI-compatible endpoint that makes the vectors: the variables OPENAI_API_KEY and OPENAI_BASE_URL say where.',
    ),
    embedder: text('A function of your own that makes the vectors: ./embed.ts#embed.'),
    embedding_timeout: amount(
      0.1,
      'How long one call for vectors may take, in seconds, before it counts as failed and is made again. Default: 60.',
    ),
    dimensions: whole(1, 'How long the vectors are.'),
    layout: layoutOf('qdrant', `${written} Default: unified-qdrant.`),
    on_conflict: onConflict,
  },
  ['collection'],
  'Unified memory: a point in a collection of Qdrant for each record.',
)

const sources: Readonly<Record<string, ObjectShape>> = {
  postgresql: postgresSource,
  postgres: postgresSource,
  sqlite: sqliteSource,
  redis: redisSource,
  unified: qdrantSource,
  qdrant: qdrantSource,
}

const postgresSink = object(
  {
    ...postgresPlace,
    layout: layoutOf('postgres', written),
    on_conflict: onConflict,
    sessions: choice(['text', 'uuid'], 'Of a chat history whose table is created. Default: text.'),
  },
  ['connection_string'],
  'Tables of a PostgreSQL database, as the library itself has them.',
)
const aesKey = secret('The key of values that LangGraph has encrypted. Without it they stay as they are.')

const destinations: Readonly<Record<string, ObjectShape>> = {
  unified: qdrantSink,
  qdrant: qdrantSink,
  json: object(
    {
      output_dir: text('The folder that the files are written to.'),
      single_file: flag('One file, checkpoints_export.json, in place of one for each batch. Default: false.'),
      indent: whole(0, 'Spaces per level. Default: 2.'),
      gzip: flag('Compress the files. Default: false.'),
      aes_key: aesKey,
    },
    ['output_dir'],
    'JSON files with metadata and checkpoints.',
  ),
  parquet: object(
    {
      output_path: text('A file that ends with .parquet, or the folder of a data set.'),
      compression: choice(['snappy', 'zstd', 'gzip', 'none'], 'How pages are compressed. Default: snappy.'),
      partition_by: names('The columns that folders are named after, as in thread_id=42.'),
      aes_key: aesKey,
    },
    ['output_path'],
    'A Parquet file, or a data set of several.',
  ),
  postgresql: postgresSink,
  postgres: postgresSink,
  sqlite: object(
    { ...sqlitePlace, layout: layoutOf('sqlite', written), on_conflict: onConflict },
    ['connection_string'],
    'Tables of an SQLite database, as the library itself has them.',
  ),
  redis: object(
    { ...redisPlace, layout: layoutOf('redis', written), on_conflict: onConflict },
    ['redis_url'],
    'Keys of a Redis, as the library itself has them.',
  ),
}

/** The transformers that such a file can name, and what they are called elsewhere. */
export const documentTransformers: Readonly<Record<string, string>> = {
  add_metadata: 'add-metadata',
  normalize_timestamps: 'normalize-timestamps',
}

const chosen: Readonly<Record<string, ChosenShape>> = {
  source_config: { by: 'source_type', shapes: sources },
  destination_config: { by: 'destination_type', shapes: destinations },
}

/** The configuration of the checkpoint migration tool: what moves from where to where, in the names of its own. */
export const documentShape: ObjectShape = {
  kind: 'object',
  fields: {
    source_type: choice(Object.keys(sources), 'Where the records are. unified is Qdrant.'),
    source_config: map(anything(), 'Where exactly: what stands here is chosen by source_type.'),
    destination_type: choice(Object.keys(destinations), 'Where they go. unified is Qdrant.'),
    destination_config: map(anything(), 'Where exactly: what stands here is chosen by destination_type.'),
    filters: checkpointFiltersShape,
    transformers: list(
      { ...text(), usual: Object.keys(documentTransformers) },
      'What becomes of each record: add_metadata, normalize_timestamps, or a name of transformer_modules.',
    ),
    transformer_modules: map(text(), 'Transformers of your own by their names: shorten: ./steps.ts#shorten'),
    batch_size: whole(1, 'Records that become durable together. Default: 1000.'),
    dry_run: flag('Look, and write nothing: as --dry-run. Default: false.'),
    max_rejected: whole(0, 'Rejected records that the run bears. Default: 100.'),
    name: text('The run by a name of your own. Default: made of what stands here.'),
  },
  required: ['source_type', 'source_config', 'destination_type', 'destination_config'],
  chosen,
  about: 'A migration of checkpoints or messages.',
}
