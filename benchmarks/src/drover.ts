import { fileURLToPath } from 'node:url'
import type { Contender } from './contest.js'

export interface Bench {
  readonly rows: number
  readonly folder: string
  /** The SQLite database with the sample. */
  readonly database: string
}

const worker = fileURLToPath(new URL('./worker.mjs', import.meta.url))
const checkpointWorker = fileURLToPath(new URL('./checkpoint-worker.mjs', import.meta.url))
const parquetWorker = fileURLToPath(new URL('./parquet-worker.mjs', import.meta.url))
const qdrantWorker = fileURLToPath(new URL('./qdrant-worker.mjs', import.meta.url))
const schemaWorker = fileURLToPath(new URL('./schema-worker.mjs', import.meta.url))
const redisWorker = fileURLToPath(new URL('./redis-worker.mjs', import.meta.url))

/** A contender that is a program of ours in `worker.mjs`. */
export function drover(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, worker, task, JSON.stringify(options)], ...more }
}

/** The same in `parquet-worker.mjs`. */
export function parquet(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, parquetWorker, task, JSON.stringify(options)], ...more }
}

/** The same in `redis-worker.mjs`. */
export function redis(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, redisWorker, task, JSON.stringify(options)], ...more }
}

/** The same in `qdrant-worker.mjs`. */
export function qdrant(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, qdrantWorker, task, JSON.stringify(options)], ...more }
}

/** The same in `checkpoint-worker.mjs`. */
export function checkpoints(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, checkpointWorker, task, JSON.stringify(options)], ...more }
}

/** The same in `schema-worker.mjs`. */
export function schema(name: string, task: string, options: object, more: Partial<Contender> = {}): Contender {
  return { name, command: [process.execPath, schemaWorker, task, JSON.stringify(options)], ...more }
}

/** A line for bash. */
export function shell(name: string, command: string, more: Partial<Contender> = {}): Contender {
  return { name, command: ['bash', '-o', 'pipefail', '-c', command], ...more }
}

/** The same with a flag of Node's. */
export function flagged(flag: string, { name, command, ...rest }: Contender): Contender {
  const [node, ...others] = command
  return { ...rest, name: `${name}, ${flag}`, command: [node as string, flag, ...others] }
}
