import { copyFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'tsup'

const native = ['better-sqlite3', 'sqlite3', 'knex', 'pg', 'parquet-wasm', 'ioredis']
/** Each loads what its pairs need, for most of a short life goes into loading. */
const modules = ['worker', 'postgres-worker', 'parquet-worker', 'redis-worker', 'redis-columns-worker', 'qdrant-worker']
/** What threads and processes of their own run: files that stand beside the module that starts them. */
const beside = [
  'packages/export-parquet/src/encode/encode-worker.mjs',
  'packages/export-parquet/src/encode/write-parquet.mjs',
  'internal/redis-server/src/guard.mjs',
]

export interface Workplace {
  /** The module that has the pair. */
  readonly worker: URL
  /** It works in the database of DATABASE_URL. */
  readonly needsPostgres: boolean
  /** It works on the server of REDIS_URL. */
  readonly needsRedis: boolean
}

interface WorkerModule {
  readonly pairs: object
  readonly needPostgres?: readonly string[]
  readonly needRedis?: readonly string[]
}

/**
 * Makes one JavaScript file of each worker, so that hundreds of processes start quickly, and says for each pair which one has it.
 * `sources` takes the other members' sources, as the tests do; else it takes what was built.
 */
export async function buildWorkers(from: 'sources' | 'builds'): Promise<ReadonlyMap<string, Workplace>> {
  const folder = fileURLToPath(new URL(`../dist/${from}`, import.meta.url))
  await build({
    config: false,
    silent: true,
    entry: {
      ...Object.fromEntries(modules.map((name) => [name, fileURLToPath(new URL(`${name}.ts`, import.meta.url))])),
      // A program: qdrant-server starts it where it stands beside the module.
      'qdrant-server-main': fileURLToPath(new URL('../../qdrant-server/main.ts', import.meta.url)),
    },
    outDir: folder,
    format: 'esm',
    target: 'node20.19',
    platform: 'node',
    splitting: false,
    noExternal: [new RegExp(`^(?!(${native.join('|')})$)`)],
    external: native,
    // undici is CommonJS and requires modules of Node.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; globalThis.require ??= requireOf(import.meta.url);",
    },
    esbuildOptions: (options) => {
      options.conditions = from === 'sources' ? ['@drover/source'] : []
    },
  })
  for (const file of beside) {
    const path = fileURLToPath(new URL(`../../../${file}`, import.meta.url))
    await copyFile(path, `${folder}/${basename(file)}`)
  }
  const workplaces = new Map<string, Workplace>()
  for (const name of modules) {
    const worker = pathToFileURL(`${folder}/${name}.js`)
    const { pairs, needPostgres = [], needRedis = [] } = (await import(worker.href)) as WorkerModule
    for (const pair of Object.keys(pairs)) {
      const needs = { needsPostgres: needPostgres.includes(pair), needsRedis: needRedis.includes(pair) }
      workplaces.set(pair, { worker, ...needs })
    }
  }
  return workplaces
}
