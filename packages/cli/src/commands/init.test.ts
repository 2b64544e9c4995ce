// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { existsSync, readFileSync } from 'node:fs'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readPipelineFile } from '../pipeline-file.js'
import { fillSqliteHistory } from '../testing/agent-stores.js'
import { drover } from '../testing/command.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
const qdrant = useQdrant()
beforeAll(() => process.chdir(folder.path))

const read = (file: string): unknown => parse(readFileSync(file, 'utf8'))

describe('drover init', () => {
  test('writes what the lines answer, and what is usual where one is empty', async () => {
    const answers = ['postgresql', '', 'chat_history', 'json', './out', 'true', 'customer-*', '']
    expect(await drover(['init', '-o', 'a.yaml'], {}, answers)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Wrote a.yaml'),
    })
    expect(read('a.yaml')).toEqual({
      source_type: 'postgresql',
      source_config: { connection_string: '${DATABASE_URL}', table_name: 'chat_history' },
      destination_type: 'json',
      destination_config: { output_dir: './out', single_file: true },
      filters: { thread_pattern: 'customer-*' },
      transformers: ['add_metadata'],
    })
    expect((await readPipelineFile('a.yaml', { DATABASE_URL: 'postgres://db/x' })).parts.source).toMatchObject({
      connection: 'postgres://db/x',
    })
    expect(readFileSync('a.yaml', 'utf8')).toMatch(/^# yaml-language-server: \$schema=.*schema\.json\n/)
  })

  test.each([
    ['postgresql', 'unified'],
    ['sqlite', 'parquet'],
    ['redis', 'json'],
    ['unified', 'unified'],
  ])('from %s into %s with what is usual gives a file that is taken', async (source, destination) => {
    const file = `${source}-${destination}.yaml`
    const { code, stderr } = await drover(['init', '-o', file], {}, [source, '', '', destination])
    expect([code, stderr]).toEqual([0, ''])
    const env = { DATABASE_URL: 'postgres://db/x', REDIS_URL: 'redis://r' }
    await expect(readPipelineFile(file, env)).resolves.toMatchObject({ parts: { maxRejected: 100 } })
  })

  test('writes a file that passes check, once what it says is set', async () => {
    fillSqliteHistory('history.db')
    const server = qdrant.url
    const into = [
      ['json', './out', 'true'],
      ['parquet', './out.parquet'],
      ['sqlite', 'into.db', 'langchain-sqlite'],
      ['unified', server, 'messages', 'text-embedding-3-small'],
      ['unified', server, 'messages', 'my-model', '384'],
    ]
    for (const [i, answers] of into.entries()) {
      const file = `checked-${i}.yaml`
      // Messages have no metadata of their own in a history's table.
      const all = ['sqlite', 'history.db', '', ...answers, '', answers[0] === 'sqlite' ? 'false' : 'true']
      const { code, stdout, stderr } = await drover(['init', '-o', file], { OPENAI_API_KEY: '' }, all)
      expect([code, stderr]).toEqual([0, ''])
      const isEmbedded = answers.length > 3
      expect(stdout.includes('It needs OPENAI_API_KEY')).toBe(isEmbedded)
      const unset = await drover(['check', file], { OPENAI_API_KEY: '' })
      expect(unset).toMatchObject(
        isEmbedded ? { code: 2, stderr: expect.stringContaining('OPENAI_API_KEY is not set') } : { code: 0 },
      )
      const checked = await drover(['check', file], { OPENAI_API_KEY: 'hunter2' })
      expect(checked.code, checked.stdout + checked.stderr).toBe(0)
    }
    expect(read('checked-4.yaml')).toMatchObject({
      destination_config: { embedding_model: 'my-model', dimensions: 384 },
    })
    expect(existsSync('out') || existsSync('into.db')).toBe(false)
  })

  test('says which variables a file needs that are not set', async () => {
    const init = ['init', '-o', 'needs.yaml', '--json']
    const answers = ['postgresql', '', '', 'redis', '', 'langchain-redis-list']
    const { stdout } = await drover(init, { DATABASE_URL: 'postgres://db/x', REDIS_URL: undefined }, answers)
    expect(JSON.parse(stdout)).toEqual({ event: 'init', file: 'needs.yaml', needs: ['REDIS_URL'] })
  })

  test.each(['postgresql', 'sqlite', 'redis'])('into %s asks for the layout', async (destination) => {
    const layout = { postgresql: 'langgraph-postgres', sqlite: 'langgraph-sqlite', redis: 'langchain-redis-list' }[
      destination
    ]
    const answers = ['unified', '', '', destination, '', layout ?? '']
    expect(await drover(['init', '-o', `into-${destination}.yaml`], {}, answers)).toMatchObject({ code: 0 })
    expect(read(`into-${destination}.yaml`)).toMatchObject({ destination_config: { layout } })
  })

  test('needs no answer where flags say all', async () => {
    const flags = [
      'init',
      '-o',
      'flags.yaml',
      '--source',
      'sqlite',
      '--source-config',
      '{"connection_string": "a.db"}',
      '--destination',
      'parquet',
      '--dest-config',
      '{"output_path": "a.parquet"}',
    ]
    expect(await drover(flags)).toMatchObject({ code: 0 })
    expect(read('flags.yaml')).toEqual({
      source_type: 'sqlite',
      source_config: { connection_string: 'a.db' },
      destination_type: 'parquet',
      destination_config: { output_path: 'a.parquet' },
    })
    expect(await drover(flags)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('flags.yaml is there already'),
    })
  })

  test('keeps passwords out of the file', async () => {
    const answers = ['redis', 'redis://user:hunter2@host:6379', '', 'json']
    const { code, stdout, stderr } = await drover(['init', '-o', 'secret.yaml'], {}, answers)
    expect([code, stderr]).toEqual([0, expect.stringContaining('set REDIS_URL')])
    expect(readFileSync('secret.yaml', 'utf8') + stdout + stderr).not.toContain('hunter2')
    expect(read('secret.yaml')).toMatchObject({ source_config: { redis_url: '${REDIS_URL}' } })
  })

  test.each(['postgresql', 'sqlite', 'redis', 'unified'])('does not move a store of %s into itself', async (store) => {
    const layout = { postgresql: 'langgraph-postgres', sqlite: 'langgraph-sqlite', redis: 'langchain-redis-list' }[
      store
    ]
    const answers = [store, '', '', store, '', ...(layout === undefined ? [] : [layout])]
    expect(await drover(['init', '-o', `twice-${store}.yaml`], {}, answers)).toMatchObject({ code: 0 })
    const { source_config, destination_config } = read(`twice-${store}.yaml`) as Record<string, object>
    expect(destination_config).not.toMatchObject(source_config ?? {})
  })

  test('has a variable of its own for each of two passwords', async () => {
    const [from, to] = ['postgres://u:hunter2@a/db', 'postgres://u:hunter3@b/db']
    const answers = (into: string) => ['postgresql', from, '', 'postgresql', into, 'langgraph-postgres']
    const { code, stderr } = await drover(['init', '-o', 'two.yaml'], {}, answers(to))
    expect([code, stderr]).toEqual([0, expect.stringContaining('set DESTINATION_DATABASE_URL')])
    expect(read('two.yaml')).toMatchObject({
      source_config: { connection_string: '${DATABASE_URL}' },
      destination_config: { connection_string: '${DESTINATION_DATABASE_URL}' },
    })
    expect(await drover(['init', '-o', 'same.yaml'], {}, answers(from))).toMatchObject({ code: 0 })
    expect(read('same.yaml')).toMatchObject({ destination_config: { connection_string: '${DATABASE_URL}' } })
  })

  test.each([
    ['nobody answers', [], 'Nobody answers: Where are the checkpoints or messages?'],
    ['a store is unknown', ['postgres'], 'There is no "postgres"; did you mean "postgresql"?'],
  ])('writes nothing where %s', async (_, answers, said) => {
    expect(await drover(['init', '-o', 'none.yaml'], {}, answers)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(said),
    })
    expect(existsSync('none.yaml')).toBe(false)
  })

  test('writes nothing where flags are wrong, and does not say what stands in them', async () => {
    for (const [flag, text] of [
      ['--source-config', '{"connection_string": "hunter2'],
      ['--source-config', '{"hunter": "hunter2"}'],
    ] as const) {
      const { code, stderr } = await drover([
        'init',
        '-o',
        'wrong.yaml',
        '--source',
        'sqlite',
        flag,
        text,
        '--destination',
        'json',
        '--dest-config',
        '{"output_dir": "x"}',
      ])
      expect(code).toBe(2)
      expect(stderr).not.toContain('hunter2')
      expect(existsSync('wrong.yaml')).toBe(false)
    }
  })
})
