import { runOperated } from '@drover-internal/sql-tests/operated'
import { redisSink } from '../../sink/redis-sink.js'
import { redisStateStore } from '../redis-state-store.js'

/** A run that another process operates: connection. */
const [connection = ''] = process.argv.slice(2)
await runOperated(redisStateStore({ connection }), redisSink({ connection, key: 'row:{id}', as: 'hash' }))
