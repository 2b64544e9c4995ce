import { join } from 'node:path'
import { type RedisRecord, type RedisSinkOptions, redisSink, redisSource } from '@drover/adapter-redis'
import type { CrashPair } from '@drover/conformance/crash'
import { DroverError, directoryStateStore, encodeJson, type Row } from '@drover/core'
import { type Head, type Journey, walk } from '../herd.js'
import { keysAt } from '../redis-keys.js'
import { beginRedis, beginTrouble, calm, prepareFlock, redisAt, type Trouble } from '../redis-place.js'
import { type PipelineStores, pipelinePair } from './pipeline-pair.js'
import { fromSqlite, toSqlite } from './pipelines.js'

const [before, behind] = ['checkpoint:', 'arrived:']

/** Every eleventh key stays behind, some have a twin, some cannot go. */
const move: Journey<RedisRecord> = {
  through: (keys) => keys.filter(isKept).pipe(step),
  arrived: (keys) => keys.filter((key) => isKept(key) && !isLame(key)).flatMap(step),
  lost: (keys) => keys.filter((key) => isKept(key) && isLame(key)).map(({ key }) => [key]),
}

/** All go, as they are. */
export const ride: Journey<RedisRecord> = { through: (keys) => keys, arrived: (keys) => keys, lost: () => [] }

const numberOf = ({ key }: Row): number => Number(String(key).split(':')[1])
const isKept = (record: RedisRecord): boolean => numberOf(record) % 11 !== 0
const isLame = (record: RedisRecord): boolean => numberOf(record) % 97 === 0

function step(record: RedisRecord): Row | readonly Row[] {
  if (isLame(record)) throw new Error('It cannot walk.')
  const row = { ...record, key: behind + record.key.slice(before.length) }
  return numberOf(record) % 7 === 0 ? [row, { ...row, key: `${row.key}:twin` }] : row
}

/** Keys of every kind. */
export const fromRedis = {
  prepare: async (directory, random) => prepareFlock(directory, random),
  begin: beginRedis,
  heads: (directory) => keysAt(redisAt(directory), before),
  source: (directory) => redisSource({ connection: redisAt(directory) }),
  journey: move,
  letterKey: 'key',
} satisfies Partial<PipelineStores<RedisRecord>>

/** The same, and what keys hold becomes JSON, for columns. */
export const columnsOf: Journey<RedisRecord> = {
  ...move,
  through: (keys) => move.through(keys).pipe((row) => ({ ...row, value: encodeJson(row.value) })),
  arrived: (keys) => move.arrived(keys).map((row) => parsed({ ...row, value: encodeJson(row.value) })),
}

/** A row whose texts are compared as what they say: the order of a hash's fields says nothing. */
export function parsed(row: Row): Row {
  return { ...row, value: JSON.parse(String(row.value)) }
}

/** The same kinds again, beside the keys that were read. */
function toRedis(options: Partial<RedisSinkOptions> = {}) {
  return {
    sink: (directory: string) => redisSink({ connection: redisAt(directory), ...options }),
    rows: (directory: string) => keysAt(redisAt(directory), behind),
  }
}

/** Heads as hashes, whose values are texts. */
const toHashes = {
  begin: beginRedis,
  sink: (directory) =>
    redisSink({ connection: redisAt(directory), key: `${behind}{id}:{part}`, as: 'hash', onConflict: 'error' }),
  rows: async (directory) => (await keysAt(redisAt(directory), behind)).map(({ key, value }) => ({ key, value })),
  journey: {
    ...walk,
    arrived: (heads) =>
      walk.arrived(heads).map((row) => ({ key: `${behind}${row.id}:${row.part}`, value: texts(row as Head & Row) })),
  },
} satisfies Partial<PipelineStores>

function texts(row: Row): Row {
  const held = Object.entries(row).filter(([, value]) => value !== null)
  return Object.fromEntries(
    held.map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)]),
  )
}

/** The server itself is killed while the run goes on. Who gives up for now is called again, as a supervisor would. */
function troubled<R extends Row>(stores: PipelineStores<R>, trouble: Trouble): CrashPair {
  const pair = pipelinePair({ ...stores, begin: (directory) => beginTrouble(directory, trouble) })
  const run: CrashPair['run'] = async (directory, life) => {
    for (;;) {
      try {
        // What the server remembers of an earlier call of this process is over soon.
        return await pair.run(directory, { ...life, whenHeld: 'wait', leaseMs: 3_000 })
      } catch (error) {
        if (DroverError.isInstance(error, 'STORE_UNAVAILABLE', 'LEASE_LOST', 'FENCED')) continue
        // The run was forgotten between being begun and being worked on.
        if (trouble !== 'forgets' || !DroverError.isInstance(error, 'STATE_INVALID')) throw error
      }
    }
  }
  return {
    ...pair,
    run,
    async compare(directory) {
      await calm(directory)
      // What was lost behind the end of the run is lost to nobody who calls it once more.
      await run(directory, { committed: () => {}, whenHeld: 'wait', chance: 0 })
      return await pair.compare(directory)
    },
  }
}

export const redisPipelines = {
  'redis-to-sqlite': pipelinePair({
    ...fromRedis,
    ...toSqlite('copy.db'),
    rows: async (directory) => (await toSqlite('copy.db').rows(directory)).map(parsed),
    journey: columnsOf,
    parallel: 2,
  }),
  'sqlite-to-redis': pipelinePair({ ...fromSqlite, ...toHashes, parallel: 2 }),
  'redis-to-redis': pipelinePair({ ...fromRedis, ...toRedis(), parallel: 2 }),
  'redis-to-redis-beside': pipelinePair({
    ...fromRedis,
    ...toRedis({ onConflict: 'update' }),
    state: (directory) => directoryStateStore({ directory: join(directory, 'state') }),
  }),
  'sqlite-to-redis-crashes': troubled({ ...fromSqlite, ...toHashes }, 'crashes'),
  'sqlite-to-redis-forgets': troubled({ ...fromSqlite, ...toHashes }, 'forgets'),
  'redis-to-redis-crashes': troubled({ ...fromRedis, ...toRedis() }, 'crashes'),
}
