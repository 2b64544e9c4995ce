import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// A suite that a broken adapter passes proves nothing: of each of these at least one test has to fail.

interface Result {
  readonly ancestorTitles: readonly string[]
  readonly title: string
  readonly status: string
}

const root = fileURLToPath(new URL('fixtures', import.meta.url))

function runFixture(): readonly Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'drover-broken-adapters-'))
  try {
    const output = join(folder, 'results.json')
    const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
    const { stderr } = spawnSync(
      process.execPath,
      [vitest, 'run', '--root', root, '--reporter=json', `--outputFile=${output}`],
      { encoding: 'utf8' },
    )
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as {
      testResults: { assertionResults: Result[] }[]
    }
    const results = testResults.flatMap((file) => file.assertionResults)
    if (results.length === 0) throw new Error(stderr)
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('each suite finds each of the mistakes, and nothing in an adapter without one', { timeout: 180_000 }, () => {
  const bySuite = new Map<string, string[]>()
  for (const { ancestorTitles, title, status } of runFixture()) {
    const [suite = ''] = ancestorTitles
    const failed = bySuite.get(suite) ?? []
    if (status === 'failed') failed.push(title)
    bySuite.set(suite, failed)
  }
  const kinds = ['backfiller', 'exact sink', 'source', 'state store']
  const unfound = [...bySuite].filter(([, failed]) => failed.length === 0).map(([suite]) => suite)
  expect(unfound.sort()).toEqual(kinds.map((kind) => `is right: ${kind}`))
  expect(bySuite.size).toBeGreaterThan(45)
})
