// `npm test`: lint, types, build, then every test. Ends with one line: `tests: N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { hear, tool } from './workspace.mjs'

const folder = fs.mkdtempSync(path.join(memoryFolder() ?? os.tmpdir(), 'drover-test-'))
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
// Whatever tests make goes beneath it. None of them takes the power away, so none needs to wait for a disk.
process.env.TMPDIR = path.join(folder, 'tmp')
fs.mkdirSync(process.env.TMPDIR)
// As the system's own: servers run as another user where this one is root.
fs.chmodSync(folder, 0o755)
fs.chmodSync(process.env.TMPDIR, 0o1777)
// See vitest.config.ts: the sources of the members that most tests use are transformed once.
process.env.DROVER_MODULE_CACHE = path.join(folder, 'modules')
const exitCode = tool('vitest/vitest.mjs', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${resultFile}`,
])
fs.rmSync(process.env.DROVER_MODULE_CACHE, { recursive: true, force: true })
const counts = readCounts()
// What the crash harness could not explain stays where it says.
const left = fs.readdirSync(process.env.TMPDIR)
if (counts.failed === 0 || left.length === 0) fs.rmSync(folder, { recursive: true, force: true })
else console.log(`\nleft in ${process.env.TMPDIR}: ${left.join(', ')}`)

// A crash of the runner or an error outside any test has no failed test of its own.
if (exitCode !== 0 && counts.failed === 0) counts.failed = 1
for (const name of broken) {
  console.error(`\n${name} failed; see above.`)
  counts.failed += 1
}
console.log(`\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1

/** A file system in memory, if there is one with room for all tests that lets them start programs; many containers have none. */
function memoryFolder() {
  const memory = '/dev/shm'
  if (process.env.TMPDIR || !fs.existsSync(memory)) return undefined
  const { bavail, bsize } = fs.statfsSync(memory)
  return bavail * bsize >= 8 * 2 ** 30 && startsPrograms(memory) ? memory : undefined
}

function startsPrograms(parent) {
  const folder = fs.mkdtempSync(path.join(parent, 'drover-test-'))
  try {
    fs.writeFileSync(path.join(folder, 'program'), '#!/bin/sh\n', { mode: 0o755 })
    return spawnSync(path.join(folder, 'program')).status === 0
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

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
