import { amount, anyText, anything, choice, either, flag, list, map, object, text, whole } from '../shape/shape.js'
import { onConflict } from './on-conflict.js'
import type { StoreType } from './store-type.js'

const location = {
  connection: either(
    [text(), map(anything())],
    'redis://user:password@host:port/database (rediss:// is TLS), options of ioredis, or the nodes of a cluster: { cluster: [host:port, …] }. Default: the variable REDIS_URL.',
  ),
}
const allowEviction = flag("Take a server that may evict any key, Drover's own too, when it is full. Default: false.")
const type = choice(['string', 'hash', 'list', 'set', 'zset', 'stream', 'json'])

export const redis: StoreType = {
  package: '@drover/adapter-redis',
  drivers: ['ioredis'],
  roles: {
    source: {
      factory: 'redisSource',
      options: object(
        {
          ...location,
          keyPrefix: anyText('What the names of the keys begin with; an empty text is all keys. Default: checkpoint:.'),
          match: text('A pattern of SCAN, in place of keyPrefix, such as session:*:state.'),
          types: either([type, list(type, undefined, 1)], 'Which types of keys to read. Default: all seven.'),
          decodeResponses: flag('Whether keys and values are texts, or bytes as they are. Default: true.'),
          maxValueBytes: whole(1, 'A larger value is refused by its key. Default: 268435456.'),
          scanCount: whole(1, 'How many keys a SCAN looks at before it answers. Default: 1000.'),
          name: text("Names the source in reports and in the run's fingerprint."),
        },
        [],
        'Reads keys of Redis: strings, hashes, lists, sets, sorted sets, streams and JSON documents.',
      ),
    },
    sink: {
      factory: 'redisSink',
      options: object(
        {
          ...location,
          key: text(
            'The name of the key, with fields of the record in it: user:{id}; braces of the name are doubled. Default: the field key.',
          ),
          as: choice(type.choices ?? [], "What each record becomes. Default: what the record's field type says."),
          value: text('The field that holds the value. Default: value; with as, the whole record where that is one.'),
          expiresAt: text('The field that says when the key expires. Default: expires_at; with as, none does.'),
          onConflict,
          hashTag: text(
            'Of a cluster: the tag that every key has in its name between braces, so that all are in one slot.',
          ),
          stateKeyPrefix: anyText("What stands before the names of Drover's own keys. Default: nothing."),
          allowEviction,
          batchSize: whole(1, 'Records of one script. Default: 1000.'),
        },
        [],
        'Writes keys of Redis, exactly once on one server.',
      ),
    },
    signal: {
      factory: 'redisHealth',
      options: object(
        {
          ...location,
          maxMemoryShare: amount(0, 'What of its maxmemory the server may use, from 0 to 1.'),
          maxLatencyMs: whole(1, 'How long an answer of the server may take, in milliseconds.'),
          maxReplicaLagMs: whole(1, 'How far the replica that is farthest behind may be behind, in milliseconds.'),
        },
        [],
        'Slows down for a Redis server that is full, busy or ahead of its replicas.',
      ),
    },
    state: {
      factory: 'redisStateStore',
      options: object(
        {
          ...location,
          keyPrefix: anyText("What stands before the names of Drover's own keys. Default: nothing."),
          hashTag: text(
            'Of a cluster: what stands between braces in their names, and so decides their slot. Default: drover.',
          ),
          keepRuns: whole(1, 'Runs of one name that are kept, the newest ones. Default: 100.'),
          allowEviction,
        },
        [],
        'Keeps runs in Redis.',
      ),
    },
  },
}
