import {
  anyText,
  anything,
  choice,
  either,
  filter,
  flag,
  list,
  map,
  object,
  secret,
  text,
  whole,
} from '../shape/shape.js'
import { embeddingShape, withEmbed } from './embed.js'
import type { StoreType } from './store-type.js'

const location = {
  url: secret('http://localhost:6333, with a path if need be. Default: the variable QDRANT_URL, else that.'),
  apiKey: secret('Default: the variable QDRANT_API_KEY.'),
  timeoutMs: whole(1, 'How long one request may take, in milliseconds. Default: 60000.'),
}
const collection = text('The collection.')
const selection = (what: string) =>
  either([flag(), list(anyText())], `Whether ${what} are read, or which. Default: true.`)
const settings = (about: string) => map(anything(), about)

/** As Qdrant's own API has them. */
const create = object(
  {
    like: object({ ...location, collection }, ['collection'], 'Another collection, which the new one is to be like.'),
    vectors: settings('The vector without a name, { size, distance, … }, or vectors by name.'),
    sparse_vectors: settings('Sparse vectors by name.'),
    on_disk_payload: flag("Keep payloads on disk. Default: the server's own."),
    shard_number: whole(1),
    sharding_method: choice(['auto', 'custom']),
    replication_factor: whole(1),
    write_consistency_factor: whole(1),
    hnsw_config: settings('Settings of the index of vectors.'),
    optimizers_config: settings('Settings of the optimizers.'),
    quantization_config: settings('How vectors are quantized.'),
    wal_config: settings('Settings of the write-ahead log.'),
    strict_mode_config: settings('Settings of the strict mode.'),
    metadata: settings('What the collection says of itself.'),
    payloadIndexes: settings('Indexes of payload fields by path: keyword, integer, …, or parameters with a type.'),
  },
  [],
  'What a collection that is not there is created with.',
)

export const qdrant: StoreType = {
  package: '@drover/adapter-qdrant',
  roles: {
    source: {
      factory: 'qdrantSource',
      options: object(
        {
          ...location,
          collection,
          filter: settings("Which points to read, as Qdrant's own API has it."),
          where: filter('Which points to read: by id, and by fields of the payload such as payload.role.'),
          payload: selection('payloads'),
          vectors: selection('vectors'),
          consistency: either(
            [choice(['majority', 'quorum', 'all']), whole(1)],
            'How many replicas have to agree. Default: one.',
          ),
          shardKey: either(
            [text(), whole(0), list(either([text(), whole(0)]), undefined, 1)],
            'Which shards. Default: all.',
          ),
          name: text("Names the source in reports and in the run's fingerprint."),
        },
        ['collection'],
        'Reads the points of a collection of Qdrant, with payload and vectors.',
      ),
    },
    sink: {
      factory: 'qdrantSink',
      prepare: withEmbed,
      options: object(
        {
          ...location,
          collection,
          id: choice(
            ['key', 'record'],
            "What a point's id is: a UUID made of the record's whole key, or the field id. Default: record for points, else key.",
          ),
          payload: list(text(), 'The fields of the payload. Default: all but those that are vectors.'),
          vector: either([text(), map(text())], 'The field of the vector, or fields by the name of the vector.'),
          embeddingModel: text(
            'A model of an OpenAI-compatible endpoint that makes the vectors: the variables OPENAI_API_KEY and OPENAI_BASE_URL say where.',
          ),
          embedder: text('A function of your own that makes the vectors: ./embed.ts#embed.'),
          dimensions: whole(1, 'How long the vectors of embeddingModel are to be.'),
          embedText: text('The field that is embedded.'),
          embedVector: text('The vector that is embedded. Default: the only one.'),
          embedding: embeddingShape,
          onConflict: choice(
            ['update', 'skip'],
            'What becomes of a record whose id is there: the point is replaced, or left alone. Default: update.',
          ),
          create,
          indexing: choice(
            ['during', 'after'],
            'Whether vectors are indexed while they are loaded, or after that. Default: during.',
          ),
          indexingThreshold: whole(
            1,
            'With indexing: after, what the threshold is set to in the end, in kilobytes. Default: what it was.',
          ),
          greenTimeoutMs: whole(
            0,
            'How long the end of a run waits for the collection to be indexed, in milliseconds. Default: 600000.',
          ),
          shardKey: either([text(), whole(0)], 'The shard of every point, in collections whose shards have keys.'),
          inFlight: whole(1, 'Batches under way at once. Default: 4.'),
          batchSize: whole(1, 'Records of one batch. Default: 1000.'),
          batchBytes: whole(1, 'Bytes of one request. Default: 16777216.'),
        },
        ['collection'],
        'Writes points into a collection of Qdrant, once per id.',
      ),
    },
  },
}
