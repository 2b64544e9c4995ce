import { copyFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'tsup'

const native = ['better-sqlite3', 'sqlite3', 'knex', 'pg', 'parquet-wasm']
/** Each loads what its pairs need, for most of a short life goes into loading. */
const modules = ['worker', 'postgres-worker', 'parquet-worker']
/** Files of the thread that encodes Parquet: they stand beside the module that starts it. */
const threads = ['encode-worker.mjs', 'write-parquet.mjs']

export interface Workplace {
  /** The module that has the pair. */
  readonly worker: URL
  /** It works in the database of DATABASE_URL. */
  readonly needsPostgres: boolean
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
    entry: Object.fromEntries(modules.map((name) => [name, fileURLToPath(new URL(`${name}.ts`, import.meta.url))])),
    outDir: folder,
    format: 'esm',
    target: 'node20.19',
    platform: 'node',
    splitting: false,
    noExternal: [new RegExp(`^(?!(${native.join('|')})$)`)],
    external: native,
    esbuildOptions: (options) => {
      options.conditions = from === 'sources' ? ['@drover/source'] : []
    },
  })
  for (const file of threads) {
    const path = fileURLToPath(new URL(`../../../packages/export-parquet/src/encode/${file}`, import.meta.url))
    await copyFile(path, `${folder}/${file}`)
  }
  const workplaces = new Map<string, Workplace>()
  for (const name of modules) {
    const worker = pathToFileURL(`${folder}/${name}.js`)
    const { pairs, needPostgres = [] } = (await import(worker.href)) as { pairs: object; needPostgres?: string[] }
    for (const pair of Object.keys(pairs)) workplaces.set(pair, { worker, needsPostgres: needPostgres.includes(pair) })
  }
  return workplaces
}
