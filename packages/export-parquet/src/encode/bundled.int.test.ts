import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { expect, onTestFinished, test } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
const packageFolder = path.join(here, '../..')

/** An application with this package inside its one file; the libraries stay outside. Its folder, where they are found. */
async function bundled(format: 'esm' | 'cjs'): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(path.join(packageFolder, 'node_modules/.bundled-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await build({
    config: false,
    silent: true,
    entry: { app: path.join(here, 'bundled-child.ts') },
    outDir: folder,
    format,
    outExtension: () => ({ js: format === 'esm' ? '.mjs' : '.cjs' }),
    target: 'node20.19',
    platform: 'node',
    splitting: false,
    shims: true,
    noExternal: [/^@drover\//],
    external: ['parquet-wasm', 'apache-arrow'],
    esbuildOptions: (options) => {
      options.conditions = ['@drover/source']
    },
  })
  return { folder, file: path.join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs') }
}

/** Ends when nothing keeps the process alive any more. */
async function output(file: string): Promise<{ rows: number[]; notices: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 15_000 })
  return JSON.parse(stdout)
}

test.for(['esm', 'cjs'] as const)('the thread starts where its file is beside an %s build', async (format) => {
  const { folder, file } = await bundled(format)
  const { rows, notices } = await output(file)
  expect(rows).toEqual([1, 2])
  expect(notices).toEqual([expect.stringMatching(/application's own thread.*encode-worker\.mjs/)])

  for (const name of ['encode-worker.mjs', 'write-parquet.mjs']) {
    await copyFile(path.join(here, name), path.join(folder, name))
  }
  // That the process ends at all: the encoder was not disposed.
  expect(await output(file)).toEqual({ rows: [1, 2], notices: [] })
})
