import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ExactSink } from '../contracts/sink.js'
import { dryRun } from '../dry-run/dry-run.js'
import type { DryRunReport } from '../dry-run/dry-run-report.js'
import { memorySource } from '../memory/memory-source.js'
import { jsonSink } from './json-sink.js'
import { ndjsonSink } from './ndjson-sink.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-dry-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const records = Array.from({ length: 3000 }, (_, id) => ({ id, text: 'x'.repeat(100) }))
const tried = (sink: ExactSink<object>, from: readonly object[] = records): Promise<DryRunReport> =>
  dryRun({ name: 'export', source: memorySource({ records: from as never, key: 'id' }), sink })

it.each<[string, () => ExactSink<object>, readonly string[]]>([
  ['a file', () => ndjsonSink({ path: join(folder, 'a/b/out.ndjson') }), ['a', 'a/b', 'a/b/out.ndjson']],
  ['a compressed one', () => jsonSink({ path: join(folder, 'out.json.gz'), gzip: true }), ['out.json.gz']],
  ['a folder of files', () => jsonSink({ directory: join(folder, 'a/out') }), ['a', 'a/out']],
])('says what would be made, and makes nothing: %s', async (_, sink, made) => {
  const { creates, problems, forecast } = await tried(sink())
  expect(problems).toEqual([])
  expect(creates.map((text) => /"(.*)"/.exec(text)?.[1]?.slice(folder.length + 1))).toEqual(made)
  expect(forecast).toMatchObject({ includesWriting: true })
  expect(readdirSync(folder)).toEqual([])
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('drover-rehearsal-'))).toEqual([])
})

it('leaves a file that is there as it is', async () => {
  const path = join(folder, 'out.ndjson')
  writeFileSync(path, 'old')
  expect(await tried(ndjsonSink({ path }))).toMatchObject({ creates: [], problems: [] })
  expect((await tried(ndjsonSink({ path, onExisting: 'error' }))).problems).toMatchObject([{ code: 'SINK_NOT_READY' }])
  expect((await tried(ndjsonSink({ path: folder }))).problems).toMatchObject([{ code: 'SINK_NOT_READY' }])
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['out.ndjson'])
})

it('names a record that has no form in JSON', async () => {
  const sink = ndjsonSink({ path: join(folder, 'out.ndjson'), values: 'plain' })
  const { problems, fidelity } = await tried(sink, [{ id: 1, v: Number.NaN }])
  expect([...problems, ...fidelity].length).toBeGreaterThan(0)
  expect(readdirSync(folder)).toEqual([])
})
