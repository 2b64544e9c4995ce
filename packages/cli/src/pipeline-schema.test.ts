import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseYaml } from './file/yaml-file.js'
import { checkPipelineFile } from './pipeline-file.js'
import { pipelineSchema } from './pipeline-schema.js'

// `anyOf` with `required` beside `properties` is what is meant.
const validate = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(pipelineSchema())

/** Whether the checker takes it, or why not. */
function checked(document: unknown): true | string {
  try {
    const { given, problems } = parseYaml('p.yaml', stringify(document), {})
    checkPipelineFile('p.yaml', given, problems)
    return true
  } catch (error) {
    return (error as Error).message
  }
}

const good = {
  name: 'copy',
  source: { type: 'sqlite', filename: 'a.db', table: 't', key: ['id'], where: { id: { gt: 1 } } },
  filter: { or: [{ role: { ne: 'debug', like: 'u%' } }, { not: { id: { in: [1, 'a', true], isNull: false } } }] },
  transform: [
    { type: 'normalize-timestamps', fields: ['at'], assumeZone: 'UTC' },
    { type: 'rename', fields: { a: 'b' } },
    { type: 'defaults', values: { a: 1 } },
    { module: './steps.ts#shorten', options: { length: 1 } },
  ],
  sink: { type: 'postgres', connection: { host: 'db' }, table: 't', onConflict: { merge: ['a'] } },
  state: { type: 'directory', directory: '.drover' },
  batchSize: 500,
  again: 'full',
  stopAfter: { records: 5 },
  deadLetters: { type: 'ndjson', path: 'dead.ndjson' },
  verify: { key: 'id', tolerance: { fields: { price: { absolute: 0.01 } } } },
  deletes: { mark: 'gone_at' },
  backfills: ['./a.ts', { module: './b.ts', dependsOn: ['a'] }],
}

const migration = {
  name: 'mine',
  source_type: 'redis',
  source_config: { redis_url: 'redis://x', key_prefix: '', decode_responses: true, layout: 'langchain-redis-list' },
  destination_type: 'parquet',
  destination_config: { output_path: 'x.parquet', compression: 'zstd', partition_by: ['thread_id'] },
  filters: {
    thread_id: 'a',
    thread_pattern: 'b*',
    date_from: '2025-01-01',
    date_to: '2025-12-31',
    exclude_threads: ['x'],
  },
  transformers: ['add_metadata', 'own'],
  transformer_modules: { own: './own.ts' },
  batch_size: 5,
  dry_run: true,
  max_rejected: 0,
}

test('the schema in the package is the one of this version', () => {
  const written: unknown = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../schema.json'), 'utf8'))
  expect(written, 'run: node --conditions=@drover/source --import tsx packages/cli/write-schema.ts').toEqual(
    JSON.parse(JSON.stringify(pipelineSchema())),
  )
})

test.each([[good], [migration]])('the schema and the checker take the same good file', (document) => {
  expect([checked(document), validate(document)]).toEqual([true, true])
})

/** The same document with something else at one place. */
const changed = fc
  .tuple(
    fc.constantFrom(good, migration),
    fc.nat(),
    fc.constantFrom('drop', 'replace', 'add'),
    fc.constantFrom(
      null,
      true,
      0,
      1,
      -1,
      2.5,
      '',
      'x',
      'full',
      'sqlite',
      'ndjson',
      'unified',
      'json',
      'add_metadata',
      [],
      ['x'],
      [1],
      {},
      { x: 1 },
      { eq: 1 },
      { type: 'omit' },
      { module: './x.ts' },
      { type: 'ndjson', path: 'x' },
      { and: [] },
      { and: [], x: { eq: 1 } },
    ),
    fc.constantFrom(
      'x',
      'type',
      'module',
      'name',
      'fields',
      'eq',
      'and',
      'key',
      'options',
      'source',
      'source_type',
      'redis_url',
      'indent',
      'dry_run',
    ),
  )
  .map(([from, at, how, value, name]) => {
    const document: object = structuredClone(from)
    const places = placesOf(document)
    const [holder, key] = places[at % places.length] as Place
    if (how === 'drop' && !Array.isArray(holder)) delete holder[key]
    else if (how === 'add' && !Array.isArray(holder)) holder[name] = value
    else (holder as Record<string, unknown>)[key] = value
    return document
  })

type Place = readonly [Record<string, unknown>, string]

function placesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap((key) => [[holder, key] as const, ...placesOf(holder[key])])
}

test('what the schema refuses the checker refuses, and what it takes the checker takes', () => {
  const seen = { taken: 0, refused: 0 }
  fc.assert(
    fc.property(changed, (document) => {
      const verdict = checked(document)
      // What one part says of another one, no schema can.
      fc.pre(verdict === true || !/there is no transformer "|decode_responses is true:/.test(verdict))
      seen[verdict === true ? 'taken' : 'refused']++
      expect(validate(document), `${JSON.stringify(document)}\n${verdict}`).toBe(verdict === true)
    }),
    { numRuns: 300 },
  )
  expect(seen.taken).toBeGreaterThan(20)
  expect(seen.refused).toBeGreaterThan(20)
})
