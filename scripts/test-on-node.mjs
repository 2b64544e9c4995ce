// Runs `npm test` on another Node major, in a copy of the working tree, so that modules built for this Node stay as they are.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root, run } from './workspace.mjs'

const major = process.argv[2] ?? '24'
const copy = fs.mkdtempSync(path.join(os.tmpdir(), `drover-node${major}-`))
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
for (const file of files.split('\0').filter(Boolean)) {
  const source = path.join(root, file)
  if (!fs.existsSync(source)) continue
  fs.mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
  fs.copyFileSync(source, path.join(copy, file))
}
try {
  process.exitCode = run('npx', ['--yes', '-p', `node@${major}`, '-c', 'node --version && npm test'], {
    cwd: copy,
    shell: process.platform === 'win32',
  })
} finally {
  fs.rmSync(copy, { recursive: true, force: true })
}
