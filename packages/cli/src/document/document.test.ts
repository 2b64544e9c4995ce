// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseYaml } from '../file/yaml-file.js'
import { checkPipelineFile, type PipelineParts } from '../pipeline-file.js'
import { useFolder } from '../testing/test-folder.js'
import { readPipeline } from './document-flags.js'

const folder = useFolder()
const example = path.resolve(import.meta.dirname, '../../../../examples/checkpoint-migration/config.yaml')

function parts(text: string, env: NodeJS.ProcessEnv = {}): PipelineParts {
  const { given, problems } = parseYaml('c.yaml', text, env)
  return checkPipelineFile('c.yaml', given, problems).parts
}

async function refusal(act: () => unknown): Promise<string> {
  try {
    await act()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('It was taken.')
}

const whole = `source_type: redis
source_config: { redis_url: "redis://localhost:6379" }
destination_type: json
destination_config: { output_dir: ./exports }
`

describe('a configuration', () => {
  test('says what a pipeline says in other words', () => {
    expect(parts(readFileSync(example, 'utf8'))).toEqual({
      name: expect.stringMatching(/^checkpoints-[0-9a-f]{12}$/),
      source: {
        type: 'checkpoints',
        store: 'postgres',
        connection: 'postgresql://user:pass@localhost/db',
        table: 'chat_message_history',
        filters: { date_from: '2025-01-01', thread_pattern: 'customer-*' },
      },
      sink: {
        type: 'checkpoints',
        store: 'qdrant',
        url: 'http://localhost:6333',
        collection: 'migrated_checkpoints',
        embeddingModel: 'text-embedding-ada-002',
        embedding: { maxRetries: 1 },
      },
      transform: [{ type: 'add-metadata' }],
      batchSize: 1000,
      maxRejected: 100,
    })
  })

  test.each([
    [
      'sqlite',
      '{ connection_string: "sqlite:///a/b.db", table_name: t }',
      { filename: 'sqlite:///a/b.db', table: 't' },
    ],
    [
      'redis',
      '{ redis_url: "redis://r", key_prefix: "", decode_responses: true, layout: langchain-redis-list }',
      { connection: 'redis://r', keyPrefix: '', layout: 'langchain-redis-list' },
    ],
    [
      'unified',
      '{ qdrant_url: "http://q", collection: c, api_key: k }',
      { store: 'qdrant', url: 'http://q', collection: 'c', apiKey: 'k' },
    ],
    ['postgres', '{ connection_string: "postgresql+psycopg://u@h/d" }', { connection: 'postgresql://u@h/d' }],
  ])('from %s', (type, config, expected) => {
    const text = whole.replace('redis', type).replace(/source_config: .*/, `source_config: ${config}`)
    expect(parts(text).source).toMatchObject({ type: 'checkpoints', ...expected })
  })

  test.each([
    [
      'json',
      '{ output_dir: o, single_file: true, indent: 2, gzip: true }',
      { type: 'checkpoints-json', outputDir: 'o', singleFile: true, indent: 2, gzip: true },
    ],
    [
      'parquet',
      '{ output_path: o, compression: snappy, partition_by: thread_id }',
      { type: 'checkpoints-parquet', path: 'o', compression: 'snappy', partitionBy: ['thread_id'] },
    ],
    [
      'sqlite',
      '{ connection_string: s.db, layout: langgraph-sqlite, on_conflict: skip }',
      { type: 'checkpoints', store: 'sqlite', filename: 's.db', layout: 'langgraph-sqlite', onConflict: 'skip' },
    ],
  ])('into %s', (type, config, expected) => {
    const text = whole
      .replace('type: json', `type: ${type}`)
      .replace(/destination_config: .*/, `destination_config: ${config}`)
    expect(parts(text).sink).toEqual(expected)
  })

  test('has transformers of its own by their names', () => {
    const text = `${whole}transformers: [normalize_timestamps, mine]\ntransformer_modules: { mine: ./mine.ts#mine }\n`
    expect(parts(text).transform).toEqual([{ type: 'normalize-timestamps' }, { module: './mine.ts#mine' }])
  })

  test.each([
    ['a member', `${whole}batchsize: 5`, 'c.yaml:5:1: the file has no "batchsize"; did you mean "batch_size"?'],
    [
      'a store',
      whole.replace('redis', 'reddis'),
      'c.yaml:1:14: there is no source_type "reddis"; did you mean "redis"?',
    ],
    [
      'a destination as a source',
      whole.replace('redis', 'parquet'),
      'there is no source_type "parquet". There are: postgresql, postgres, sqlite, redis, unified, qdrant.',
    ],
    [
      'an option',
      whole.replace('redis_url', 'redis_ur'),
      'c.yaml:2:18: source_config has no "redis_ur"; did you mean "redis_url"?',
    ],
    [
      'an option of another store',
      whole.replace('redis_url:', 'table_name: x, redis_url:'),
      'c.yaml:2:18: source_config of source_type redis has no "table_name", which is of postgresql, postgres or sqlite; it takes redis_url',
    ],
    [
      'a filter',
      `${whole}filters: { threadpattern: x }`,
      'c.yaml:5:12: filters has no "threadpattern"; did you mean "thread_pattern"?',
    ],
    [
      'a transformer',
      `${whole}transformers:\n  - add_metdata\n`,
      'c.yaml:6:5: there is no transformer "add_metdata"; did you mean "add_metadata"? There are: add_metadata, normalize_timestamps. One of your own is named by transformer_modules.',
    ],
    ['a layout', whole.replace('" }', '", layout: langchain }'), 'there is no layout "langchain"'],
    ['what is missing', 'source_type: redis', 'the file lacks source_config, destination_type and destination_config'],
    ['bytes', whole.replace('" }', '", decode_responses: false }'), 'c.yaml:2:55: decode_responses is true'],
    [
      'a date',
      `${whole}filters:\n  date_from: "2025-13-01"\n`,
      'c.yaml:6:14: date_from is a date or an instant of ISO 8601, such as "2025-01-31" or "2025-01-31T08:30:00Z", not "2025-13-01"',
    ],
    [
      'a time to wait for vectors',
      whole.replace(/json\n.*/, 'unified\ndestination_config: { collection: c, embedding_timeout: 0 }'),
      'c.yaml:4:57: embedding_timeout is a number of at least 0.1, not 0',
    ],
    ['a list of one', `${whole}transformers: add_metadata`, 'transformers is a list, not "add_metadata"'],
  ])('that has %s wrong is refused with its place', async (_, text, said) => {
    expect(await refusal(() => parts(text))).toContain(said)
  })

  test('is read from JSON too, as it is printed', async () => {
    const file = folder.write(
      'config.json',
      '{"source_type": "redis", "source_config": {"redis_url": "redis://localhost:6379", "key_prefix": "checkpoint:", "decode_responses": true},\n"destination_type": "json", "destination_config": {"output_dir": "./exports", "single_file": false, "indent": 2}}',
    )
    expect((await readPipeline(file, {}, {})).parts).toMatchObject({ source: { keyPrefix: 'checkpoint:' } })
  })

  test('does not say what a password is, wherever it stands', async () => {
    for (const text of [
      whole.replace('"redis://localhost:6379"', '[hunter2]'),
      whole.replace('"redis://localhost:6379"', '4711'),
      whole.replace('{ redis_url: "redis://localhost:6379" }', '"redis://user:hunter2@host"'),
      whole.replace('redis_url: "redis://localhost:6379"', 'redis_url: redis://u:hunter2@h, tabel: 1'),
    ])
      expect(await refusal(() => parts(text))).not.toMatch(/hunter2|4711/)
  })
})

describe('the name of a run', () => {
  const nameOf = (text: string): unknown => parts(text).name

  test('is the same where only the order of members, the batch size or a password is another one', () => {
    const named = nameOf(whole)
    expect(nameOf(`batch_size: 7\n${whole}`)).toBe(named)
    expect(nameOf(whole.split('\n').reverse().join('\n'))).toBe(named)
    const secret = (password: string): string => whole.replace('localhost', `user:${password}@localhost`)
    expect(nameOf(secret('a'))).toBe(nameOf(secret('b@/c')))
    expect(nameOf(secret('a'))).not.toBe(named)
    const qdrant = (key: string) =>
      whole.replace(/json\n.*/, `unified\ndestination_config: { collection: c, api_key: ${key} }`)
    expect(nameOf(qdrant('a'))).toBe(nameOf(qdrant('b')))
  })

  test('is another one with other filters, transformers, sources and destinations', () => {
    const texts = [
      whole,
      `${whole}filters: { thread_pattern: a* }`,
      `${whole}filters: { thread_pattern: b* }`,
      `${whole}transformers: [add_metadata]`,
      whole.replace('6379', '6380'),
      whole.replace('exports', 'others'),
    ]
    expect(new Set(texts.map(nameOf)).size).toBe(texts.length)
  })

  test('is another one for the same words in another folder', () => {
    const files =
      'source_type: sqlite\nsource_config: { connection_string: "sqlite:///a.db" }\ndestination_type: parquet\ndestination_config: { output_path: a.parquet }\n'
    const absolute = files
      .replace('sqlite:///a.db', path.resolve('a.db'))
      .replace('a.parquet', path.resolve('a.parquet'))
    expect(nameOf(files)).toBe(nameOf(absolute))
    const before = process.cwd()
    const here = nameOf(files)
    try {
      process.chdir(folder.path)
      expect(nameOf(files)).not.toBe(here)
      expect(nameOf(absolute)).toBe(here)
    } finally {
      process.chdir(before)
    }
  })

  test('is what the file says, where it says one', () => {
    expect(nameOf(`name: mine\n${whole}`)).toBe('mine')
  })
})
