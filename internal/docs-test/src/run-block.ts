import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Block, root } from './blocks.js'

const cache = path.join(root, 'internal/docs-test/node_modules/.blocks')

/** Runs a block as a module, in a folder of its own, against the sources of the packages. */
export async function runBlock(block: Block, cwd: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const file = path.join(cache, `${block.page.replaceAll(/[^\w]+/g, '-')}-${block.line}.${block.language}`)
  writeFileSync(file, block.code)
  const before = process.cwd()
  process.chdir(cwd)
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href)
  } finally {
    process.chdir(before)
    rmSync(file)
  }
}
