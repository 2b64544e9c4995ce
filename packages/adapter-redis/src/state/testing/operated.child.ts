import { runOperated } from '@drover-internal/sql-tests/operated'
import { Redis } from 'ioredis'
import { redisStateStore } from '../redis-state-store.js'
import { hashSink } from './hash-sink.js'

/** A run that another process operates: connection, and the key that it writes. */
const [connection = '', key = ''] = process.argv.slice(2)
const client = new Redis(connection)
await runOperated(redisStateStore({ connection }), hashSink(client, key))
client.disconnect()
