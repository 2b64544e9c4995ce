// Starts a TypeScript program of the workspace against the built packages: npm run demo | chaos | bench | example -- <folder>
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, root } from './workspace.mjs'

const [task, ...rest] = process.argv.slice(2)
const entries = { demo: 'examples/demo/main.ts', chaos: 'internal/chaos/main.ts', bench: 'benchmarks/main.ts' }
const [entry, args] = task === 'example' ? [exampleEntry(rest[0]), rest.slice(1)] : [entries[task], rest]
if (!entry) fail(`Unknown task ${task}. Known: ${Object.keys(entries).join(', ')}, example.`)

const file = path.join(root, entry)
if (!fs.existsSync(file)) fail(`There is no ${entry}: \`npm run ${task}\` has nothing to start yet.`)

const { register } = await import('tsx/esm/api')
register()
process.argv = [process.execPath, file, ...args]
await import(pathToFileURL(file).href)

function exampleEntry(folder) {
  const examples = path.join(root, 'examples')
  const known = fs.existsSync(examples)
    ? fs.readdirSync(examples).filter((name) => fs.existsSync(path.join(examples, name, 'main.ts')))
    : []
  const list =
    known.length > 0
      ? `The examples:\n${known.map((name) => `  npm run example -- ${name}`).join('\n')}`
      : 'There are none yet.'
  if (!folder) fail(`Say which example to run. ${list}`)
  if (!known.includes(folder)) fail(`There is no example ${folder}. ${list}`)
  return `examples/${folder}/main.ts`
}
