import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'tsup'

const native = ['better-sqlite3', 'sqlite3', 'knex', 'pg']

/**
 * Makes one JavaScript file of the worker, so that hundreds of processes start quickly. `sources` takes the other members'
 * sources, as the tests do; else it takes what was built.
 */
export async function buildWorker(from: 'sources' | 'builds'): Promise<URL> {
  const folder = fileURLToPath(new URL(`../dist/${from}`, import.meta.url))
  await build({
    config: false,
    silent: true,
    entry: { worker: fileURLToPath(new URL('worker.ts', import.meta.url)) },
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
  return pathToFileURL(`${folder}/worker.js`)
}
