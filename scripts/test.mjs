// `npm test`: lint, types, build, then every test. Ends with one line: `tests: N passed, N failed, N skipped`.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { hear, tool } from './workspace.mjs'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-test-'))
const resultFile = path.join(folder, 'vitest.json')

// Side by side, for none of them keeps two processors busy by itself.
const steps = {
  lint: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  typecheck: ['node_modules/typescript/bin/tsc', '--noEmit'],
  build: ['scripts/bootstrap.mjs', '--build=all'],
}
const broken = []
await Promise.all(
  Object.entries(steps).map(async ([name, args]) => {
    const { code, said } = await hear(process.execPath, args)
    console.log(`\n— ${name}\n${said.trimEnd()}`)
    if (code !== 0) broken.push(name)
  }),
)

console.log('\n— tests')
const exitCode = tool('vitest/vitest.mjs', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${resultFile}`,
])
const counts = readCounts()
fs.rmSync(folder, { recursive: true, force: true })

// A crash of the runner or an error outside any test has no failed test of its own.
if (exitCode !== 0 && counts.failed === 0) counts.failed = 1
for (const name of broken) {
  console.error(`\n${name} failed; see above.`)
  counts.failed += 1
}
console.log(`\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1

function readCounts() {
  if (!fs.existsSync(resultFile)) return { passed: 0, failed: 1, skipped: 0 }
  const result = JSON.parse(fs.readFileSync(resultFile, 'utf8'))
  const unreadable = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + unreadable.length,
    skipped: result.numPendingTests + result.numTodoTests,
  }
}
