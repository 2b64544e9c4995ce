import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeAgentDatabase } from '@drover-internal/agent-database'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Block, blocksOf, pageBlocks } from './blocks.js'
import { complaints } from './compile.js'
import { runBlock } from './run-block.js'
import { commentBlocks } from './tsdoc.js'

const blocks = pageBlocks()
const runnable = blocks.filter(({ isRunnable }) => isRunnable)
const withRedis = runnable.filter(({ code }) => code.includes('@drover/adapter-redis'))
const withQdrant = runnable.filter(
  (block) => block.code.includes('@drover/adapter-qdrant') && !withRedis.includes(block),
)
const others = runnable.filter((block) => !withRedis.includes(block) && !withQdrant.includes(block))

function named(some: readonly Block[]): (readonly [string, Block])[] {
  return some.map((block) => [`${block.page}:${block.line}`, block])
}

/** In a folder of its own, with the sample database. */
async function runInFolder(block: Block): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'drover-docs-'))
  try {
    await makeAgentDatabase({ filename: path.join(folder, 'chat.db'), messages: 500 })
    // What a block prints is for its readers.
    for (const method of ['log', 'info', 'warn', 'table'] as const)
      vi.spyOn(console, method).mockImplementation(() => {})
    await runBlock(block, folder)
  } finally {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the code of the pages', () => {
  it('compiles', { timeout: 120_000 }, () => {
    expect(blocks.length).toBeGreaterThan(10)
    expect(complaints(blocks)).toEqual([])
  })

  it.each(named(others))('runs: %s', { timeout: 120_000 }, (_, block) => runInFolder(block))
})

describeRedis('the code of the pages that needs a Redis', () => {
  const database = useRedis()
  beforeEach(async () => {
    await database.client.flushdb()
    vi.stubEnv('REDIS_URL', database.url)
  })
  afterEach(() => vi.unstubAllEnvs())

  it.each(named(withRedis))('runs: %s', { timeout: 120_000 }, (_, block) => runInFolder(block))
})

describe('the code of the pages that needs a Qdrant', () => {
  const qdrant = useQdrant()
  beforeEach(() => void vi.stubEnv('QDRANT_URL', qdrant.url))
  afterEach(() => vi.unstubAllEnvs())

  it.each(named(withQdrant))('runs: %s', { timeout: 120_000 }, (_, block) => runInFolder(block))
})

it('the examples in the comments of the packages compile', { timeout: 120_000 }, () => {
  const found = commentBlocks()
  expect(found.length).toBeGreaterThan(10)
  expect(complaints(found)).toEqual([])
})

describe('a block', () => {
  const page = [
    'text',
    '```ts run',
    'const a: number = 1',
    '```',
    '<!-- given',
    'declare const b: string',
    '-->',
    '```ts',
    'const c: number = b',
    '```',
  ].join('\n')

  it('is found with its line and mark, and what it takes for granted', () => {
    expect(blocksOf('page.md', page)).toMatchObject([
      { line: 2, isRunnable: true, code: expect.stringContaining('const a') },
      { line: 8, isRunnable: false, code: expect.stringMatching(/declare const b: string\nconst c/) },
    ])
  })

  it('that does not compile is complained of', { timeout: 120_000 }, () => {
    expect(complaints(blocksOf('page.md', page))).toEqual([
      "page.md:8: Type 'string' is not assignable to type 'number'.\n    const c: number = b",
    ])
  })
})
