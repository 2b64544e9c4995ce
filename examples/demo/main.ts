import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { demoReport } from './demo-report.js'
import { isRight, runDemo } from './run-demo.js'

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    messages: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    tamper: { type: 'boolean', default: false },
  },
})
const begun = performance.now()
const folder = values.folder ?? (await mkdtemp(path.join(tmpdir(), 'drover-demo-')))
if (existsSync(folder) && (await readdir(folder)).length > 0)
  throw new Error(`${folder} is not empty; name a new folder, so that nothing of yours is overwritten.`)
await mkdir(folder, { recursive: true })

const outcome = await runDemo({
  folder,
  messages: Number(values.messages),
  seed: Number(values.seed),
  tampered: values.tamper,
  say: (text) => console.log(`— ${text}`),
  show: (line) => console.log(`  │ ${line}`),
})
console.log(demoReport(outcome, folder, performance.now() - begun))
if (!isRight(outcome)) process.exitCode = 1
