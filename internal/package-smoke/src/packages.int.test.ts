import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Consumer, createConsumer } from './consumer.js'
import { firstProgram, printedInstall, runAsWritten } from './first-program.js'
import { hasRequire, type Manifest, packAll, publishedPackages, tarballOf } from './packed.js'
import { typeProblems } from './type-problems.js'
import { weightOf } from './weight.js'

const folder = mkdtempSync(join(tmpdir(), 'drover-packages-'))
const members = publishedPackages()
let consumer: Consumer
let printed: string

beforeAll(() => {
  printed = packAll(join(folder, 'tarballs'))
  consumer = createConsumer(join(folder, 'consumer'), members, join(folder, 'tarballs'))
}, 180_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)

describe.each(members.map((member) => ({ name: member.manifest.name, member })))('$name packed', ({ name, member }) => {
  const tarball = tarballOf(member, join(folder, 'tarballs'))

  test('holds dist, README and LICENSE, and no tests or sources', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
    const unexpected = files.filter(
      (file) => !/^package\/(dist\/|bin\/drover\.js$|package\.json$|schema\.json$|README\.md$|LICENSE$)/.test(file),
    )
    expect(unexpected).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['package/README.md', 'package/LICENSE', 'package/dist/index.js']))
  })

  test('exports what the workspace exports, without the condition for sources', () => {
    const packed = JSON.parse(
      execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
    ) as Manifest
    const expected = Object.entries(member.manifest.exports).map(([path, target]) => {
      if (typeof target === 'string') return [path, target]
      const { '@drover/source': _, ...conditions } = target
      return [path, conditions]
    })
    expect(packed.exports).toEqual(Object.fromEntries(expected))
  })

  test('satisfies publint', async () => {
    const pack = { tarball: new Uint8Array(readFileSync(tarball)).buffer }
    const { messages, pkg } = await publint({ pack, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that resolve in every module system it supports', { timeout: 60_000 }, async () => {
    expect(await typeProblems(tarball, hasRequire(member))).toEqual([])
  })

  test('loads as an ES module', () => {
    expect(consumer.node(['--input-type=module', '-e', `await import('${name}')`])).toEqual({ status: 0, output: '' })
  })
})

test.each(members.filter(hasRequire))(
  '$manifest.name loads from CommonJS, even where ES modules cannot be required',
  ({ manifest: { name } }) => {
    const print = `console.log(Object.keys(module).filter((name) => name !== 'default').sort().join())`
    const esm = consumer.node(['--input-type=module', '-e', `const module = await import('${name}'); ${print}`])
    const script = `{ const module = require('${name}'); ${print} }`
    expect(consumer.node(['--no-experimental-require-module', '-e', script])).toEqual(esm)
    expect(esm.status).toBe(0)
  },
)

test('a strict TypeScript project compiles against the packed packages, as ES module and as CommonJS', {
  timeout: 60_000,
}, () => {
  expect(consumer.compile()).toEqual({ status: 0, output: '' })
})

test('the packed command runs a file with a step in TypeScript, and says which package a store needs', () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, 'consumer', name), text)
  write('in.ndjson', '{"id":1}\n{"id":2}\n')
  write(
    'step.ts',
    "import type { Row } from '@drover/core'\nexport enum Kind { New = 1 }\nexport const mark = (row: Row): Row => ({ ...row, kind: Kind.New })\n",
  )
  const file = (source: string) =>
    `name: packed\nsource: ${source}\ntransform:\n  - module: ./step.ts#mark\nsink: { type: json, path: out.json }\n`
  write('packed.yaml', file('{ type: ndjson, path: in.ndjson }'))
  const ran = consumer.node(['node_modules/.bin/drover', 'run', 'packed.yaml'])
  expect(ran.status, ran.output).toBe(0)
  expect(JSON.parse(readFileSync(join(folder, 'consumer/out.json'), 'utf8'))).toEqual([
    { id: 1, kind: 1 },
    { id: 2, kind: 1 },
  ])
  write('sqlite.yaml', file('{ type: sqlite, filename: a.db, table: t }'))
  renameSync(join(folder, 'consumer/node_modules/@drover/adapter-sqlite'), join(folder, 'consumer/aside'))
  const missing = consumer.node(['node_modules/.bin/drover', 'run', 'sqlite.yaml'])
  const flags = ['--source', 'sqlite', '--source-config', '{"connection_string": "a.db"}']
  const into = ['--destination', 'json', '--dest-config', '{"output_dir": "exports"}']
  const beneath = consumer.node(['node_modules/.bin/drover', 'run', ...flags, ...into])
  renameSync(join(folder, 'consumer/aside'), join(folder, 'consumer/node_modules/@drover/adapter-sqlite'))
  expect(missing.status, missing.output).toBe(2)
  expect(missing.output).toContain(
    'PACKAGE_MISSING: sqlite.yaml:2:11: The store "sqlite" needs the package @drover/adapter-sqlite, which is not installed here. Install it: npm install @drover/adapter-sqlite knex better-sqlite3',
  )
  expect(beneath.status, beneath.output).toBe(2)
  expect(beneath.output).toContain('Install it: npm install @drover/adapter-sqlite knex better-sqlite3')
})

describe('@drover/export-parquet packed', () => {
  const program = `
    const file = process.argv[1]
    const rows = Array.from({ length: 300 }, (_, id) => ({ id, name: 'name ' + id, big: 2n ** 62n + BigInt(id) }))
    const said = []
    const say = (line) => void said.push(line)
    await runPipeline({
      name: 'write ' + file, source: memorySource({ records: rows, key: 'id' }),
      sink: parquetSink({ outputPath: file, rowGroupRows: 100 }), state: memoryStateStore(),
      logger: { debug: say, info: say, warn: say, error: say },
    })
    const sink = memorySink({ key: 'id' })
    await runPipeline({ name: 'read ' + file, source: parquetSource({ path: file }), sink, state: memoryStateStore() })
    const isSame = isDeepStrictEqual(sink.store.rows.map((row) => ({ ...row })), rows)
    // It says so if there is no worker thread to be had.
    console.log(JSON.stringify({ isSame, isLogged: said.length > 0, threads: said.filter((line) => /thread/.test(line)) }))`
  const names = {
    core: 'memorySink, memorySource, memoryStateStore, runPipeline',
    parquet: 'parquetSink, parquetSource',
    util: 'isDeepStrictEqual',
  }
  const right = { status: 0, output: '{"isSame":true,"isLogged":true,"threads":[]}\n' }

  test('writes a file in its worker thread and reads it, as an ES module', () => {
    const imports = `import { ${names.core} } from '@drover/core'
      import { ${names.parquet} } from '@drover/export-parquet'
      import { ${names.util} } from 'node:util'`
    expect(consumer.node(['--input-type=module', '-e', imports + program, 'esm.parquet'])).toEqual(right)
  })

  test('writes a file in its worker thread and reads it, as CommonJS', () => {
    const requires = `const { ${names.core} } = require('@drover/core')
      const { ${names.parquet} } = require('@drover/export-parquet')
      const { ${names.util} } = require('node:util')`
    const script = `${requires}; (async () => { ${program} })()`
    expect(consumer.node(['--no-experimental-require-module', '-e', script, 'cjs.parquet'])).toEqual(right)
  })

  test('brings less than 30 MB along, no native code, and nothing that runs while it is installed', () => {
    const { files, bytes, scripts } = weightOf(join(folder, 'consumer'), '@drover/export-parquet')
    expect(files.filter((file) => /\.node$|binding\.gyp$/.test(file))).toEqual([])
    expect(scripts).toEqual([])
    expect(bytes / 1e6).toBeLessThan(30)
  })
})

test('the first program of README.md runs from the tarballs in an empty folder, word for word', {
  timeout: 120_000,
}, () => {
  const program = firstProgram()
  const fresh = join(folder, 'first-program')
  const [first, again] = runAsWritten(program, printedInstall(printed), fresh)
  expect(first?.status, first?.output).toBe(0)
  expect(first?.output).toContain('messages-to-file: completed, 900 records')
  expect(first?.output).toMatch(/records +900 read = 900 written \+ 0 filtered \+ 0 rejected/)
  const lines = readFileSync(join(fresh, 'messages.ndjson'), 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(900)
  expect(JSON.parse(lines[0] as string)).toEqual({ id: 2, role: 'user', text: 'message 1', words: 2 })
  expect(again?.status, again?.output).toBe(0)
  expect(again?.output).toMatch(/^messages-to-file: nothing to do, completed since \d{4}-/m)
})
