// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { describe, expect, test } from 'vitest'
import { useFolder } from '../testing/test-folder.js'
import { type DocumentFlags, readPipeline } from './document-flags.js'

const folder = useFolder()

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

/** What the flags alone say. */
const flags = (more: DocumentFlags = {}): DocumentFlags => ({
  source: 'sqlite',
  sourceConfig: '{"connection_string": "sqlite:///checkpoints.db"}',
  destination: 'json',
  destConfig: '{"output_dir": "./exports", "single_file": false}',
  ...more,
})

describe('flags', () => {
  const read = (given: DocumentFlags, file?: string, env: NodeJS.ProcessEnv = {}) => readPipeline(file, given, env)

  test('say all of it', async () => {
    const { parts: made } = await read(flags())
    expect(made).toMatchObject({
      source: { store: 'sqlite', filename: 'sqlite:///checkpoints.db' },
      sink: { type: 'checkpoints-json', outputDir: './exports', singleFile: false },
    })
  })

  test('take variables', async () => {
    const { parts: made } = await read(flags({ sourceConfig: '{"connection_string":"${DB}"}' }), undefined, {
      DB: 'a.db',
    })
    expect(made.source).toMatchObject({ filename: 'a.db' })
  })

  test('go before a file: of a configuration, member by member, unless they name another store', async () => {
    const file = folder.write('before.yaml', whole)
    const one = await read({ destConfig: '{"indent": 4}' }, file)
    expect(one.parts.sink).toEqual({ type: 'checkpoints-json', outputDir: './exports', indent: 4 })
    expect(
      (await read({ config: file, sourceConfig: '{"key_prefix": "x:"}', source: 'redis' })).parts.source,
    ).toMatchObject({
      connection: 'redis://localhost:6379',
      keyPrefix: 'x:',
    })
    const other = await read({ source: 'sqlite', sourceConfig: '{"connection_string": "a.db"}' }, file)
    expect(other.parts.source).toEqual({ type: 'checkpoints', store: 'sqlite', filename: 'a.db' })
  })

  test.each<[string, DocumentFlags, string]>([
    ['nothing', {}, 'Name what is to run: a file, or --source, --source-config, --destination and --dest-config.'],
    ['a part', { source: 'redis', sourceConfig: '{}' }, 'it lacks --destination and --dest-config'],
    ['an unknown store', flags({ source: 'mysql' }), '--source: there is no source_type "mysql"'],
    [
      'an unknown name',
      flags({ sourceConfig: '{"connection_string": "a.db", "tabel_name": "x"}' }),
      '--source-config /tabel_name: source_config has no "tabel_name"; did you mean "table_name"?',
    ],
    [
      'a name of another store',
      flags({ destConfig: '{"output_dir": "x", "compression": "zstd"}' }),
      '--dest-config /compression: destination_config of destination_type json has no "compression", which is of parquet',
    ],
    [
      'another kind of value',
      flags({ destConfig: '{"output_dir": "x", "indent": {"a/b": 1}}' }),
      '--dest-config /indent: indent is a whole number of at least 0, not an object',
    ],
    [
      'a name twice',
      flags({ destConfig: '{"output_dir": "x", "output_dir": "y"}' }),
      '--dest-config /output_dir: this name stands there twice',
    ],
    ['a list', flags({ destConfig: '[1]' }), '--dest-config takes a JSON object'],
    [
      'a variable that is not set',
      flags({ destConfig: '{"output_dir": "\\"a\\"/${NONE}"}' }),
      '--dest-config /output_dir: the variable NONE is not set',
    ],
    [
      'something cut off',
      flags({ destConfig: '{"output_dir": "x"' }),
      '--dest-config is no JSON: it breaks off before its end',
    ],
    [
      'a word without quotes',
      flags({ destConfig: '{"output_dir": exports}' }),
      '--dest-config is no JSON: it breaks off at character 16 of 23.',
    ],
    [
      'a text that does not end, behind others than ASCII',
      flags({ destConfig: '{"👋": 1, "output_dir": "x}' }),
      '--dest-config is no JSON: it breaks off at character 24 of 26, where a text begins that has no end',
    ],
    ['a comma too many', flags({ destConfig: '{"output_dir": "x",}' }), 'breaks off at character 20 of 20.'],
    ['more behind it', flags({ destConfig: '{"output_dir": "x"} y' }), 'breaks off at character 21 of 21.'],
    ['a number that is none', flags({ destConfig: '{"output_dir": "x", "indent": 02}' }), 'at character 32 of 33.'],
    [
      'single quotes',
      flags({ destConfig: "{'output_dir': 'x'}" }),
      '--dest-config is no JSON: it breaks off at character 2 of 19',
    ],
  ])('that give %s are refused', async (_, given, said) => {
    expect(await refusal(() => read(given))).toContain(said)
  })

  test('beside a pipeline in other words are refused', async () => {
    const file = folder.write('own.yaml', 'name: x\nsource: { type: redis }\nsink: { type: ndjson, path: x }\n')
    expect(await refusal(() => read({ source: 'redis' }, file))).toContain('--source goes before source_type')
    expect(await refusal(() => read({ config: 'a.yaml' }, 'b.yaml'))).toContain(
      'Name one file: b.yaml, or --config a.yaml',
    )
  })

  test('that cannot be read never say what stands in them', async () => {
    for (const text of [
      '{"connection_string": "postgresql://user:hunter2@host/db"',
      "{'connection_string': 'hunter2'}",
      '{"connection_string": hunter2}',
      '"hunter2"',
      'hunter2',
      '["hunter2"]',
      '{"connection_string": ["hunter2"]}',
      '{"connection_string": {"hunter2": 1}}',
      '{"connection_string": 4711.5, "table_name": ""}',
    ])
      expect(await refusal(() => read(flags({ sourceConfig: text })))).not.toMatch(/hunter2|4711/)
  })
})
