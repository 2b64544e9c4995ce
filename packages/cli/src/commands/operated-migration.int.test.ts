import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { memorySink, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { parquetSource } from '@drover/export-parquet'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  copySqliteCheckpoints,
  fillPostgresCheckpoints,
  fillPostgresHistory,
  fillSqliteHistory,
  keptCheckpoints,
} from '../testing/agent-stores.js'
import { startDrover } from '../testing/child.js'
import { drover, events } from '../testing/command.js'
import { change } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
const qdrant = useQdrant()
beforeAll(() => process.chdir(folder.path))

type Config = Readonly<Record<string, unknown>>

const sides = (source: string, from: Config, destination: string, into: Config): string[] => [
  ...['--source', source, '--source-config', JSON.stringify(from)],
  ...['--destination', destination, '--dest-config', JSON.stringify(into)],
]
const unified = (collection: string): Config => ({
  qdrant_url: qdrant.url,
  collection,
  ...(qdrant.apiKey === undefined ? {} : { api_key: qdrant.apiKey }),
})
const exported = (folderOfFiles: string): Row[] =>
  readdirSync(folderOfFiles)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => (JSON.parse(readFileSync(path.join(folderOfFiles, name), 'utf8')) as Exported).checkpoints)
interface Exported {
  readonly checkpoints: readonly Row[]
}
const byId = (rows: readonly Row[]): Row[] => rows.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))

describePostgres('checkpoints of PostgreSQL, killed on their way', () => {
  const database = useDatabase()
  const threads = 10
  beforeAll(async () => {
    await fillPostgresCheckpoints(database)
    for (const [table, columns] of [
      ['checkpoints', 'checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata'],
      ['checkpoint_blobs', 'checkpoint_ns, channel, version, type, blob'],
      ['checkpoint_writes', 'checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob'],
    ])
      await database.query(
        `INSERT INTO ${table} (thread_id, ${columns}) SELECT thread_id || '/' || n, ${columns} FROM ${table}, generate_series(2, ${threads}) n`,
      )
  })

  /** Kills a run behind its second batch, goes on, and gives what a run that nobody disturbed has written, too. */
  async function killed(destination: string, into: (name: string) => Config): Promise<void> {
    const from = { connection_string: database.url }
    const flags = ['run', ...sides('postgresql', from, destination, into('killed')), '--batch-size', '30']
    const child = startDrover([...flags, '--records-per-second', '60', '--verbose'], folder.path)
    await child.until(/^batch 2 of all: 30 read/m)
    child.process.kill('SIGKILL')
    expect((await child.ended).code).toBe(null)
    const { code, stdout, stderr } = await drover(flags)
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('resumed')])
    expect(stdout).toContain(
      `${keptCheckpoints.postgres * threads} read = ${keptCheckpoints.postgres * threads} written`,
    )
    expect(await drover(['run', ...sides('postgresql', from, destination, into('whole'))])).toMatchObject({ code: 0 })
  }

  test.concurrent('are the same in JSON', async () => {
    await killed('json', (name) => ({ output_dir: `json-${name}` }))
    expect(byId(exported('json-killed'))).toEqual(byId(exported('json-whole')))
  })

  test.concurrent('are the same in Parquet', async () => {
    await killed('parquet', (name) => ({ output_path: `${name}.parquet` }))
    const rowsOf = async (name: string): Promise<Row[]> => {
      const sink = memorySink<Row>()
      await runPipeline({ name, source: parquetSource({ path: name }), sink, state: memoryStateStore() })
      return byId(sink.store.rows)
    }
    expect(await rowsOf('killed.parquet')).toEqual(await rowsOf('whole.parquet'))
  })

  test.concurrent('are the same points', async () => {
    const collections: Readonly<Record<string, string>> = { killed: qdrant.collection(), whole: qdrant.collection() }
    await killed('unified', (name) => unified(collections[name] ?? ''))
    const pointsOf = async (name: string): Promise<unknown> =>
      (await qdrant.client.scroll(collections[name] ?? '', { limit: 1000, with_vector: true })).points
    expect(await pointsOf('killed')).toEqual(await pointsOf('whole'))
  })
})

describe('a migration by flags', () => {
  const history = { connection_string: 'history.db' }
  beforeAll(() => fillSqliteHistory('history.db'))

  test('is seen and told what to do by the same flags, wherever its run is kept', async () => {
    const flags = sides('sqlite', history, 'json', { output_dir: 'flags' })
    await drover(['run', ...flags, '--stop-after', '4', '--batch-size', '4'])
    expect((await drover(['status', ...flags])).stdout).toMatch(/^checkpoints-\w{12}: stopped\n/)
    expect(await drover(['pause', ...flags])).toMatchObject({ code: 0 })
    expect((await drover(['status', ...flags])).stdout).toMatch(/It is to be paused|paused/)
    expect(await drover(['update', ...flags, '--batch-size', '2'])).toMatchObject({ code: 0 })
    expect(await drover(['resume', ...flags])).toMatchObject({ code: 0 })
    expect(await drover(['run', ...flags])).toMatchObject({ code: 0, stdout: expect.stringContaining('resumed') })
    for (const [command, said] of [
      ['pause', 'Name the run: '],
      ['verify', 'Name what is to be verified: '],
    ] as const)
      expect(await drover([command])).toMatchObject({ code: 2, stderr: expect.stringContaining(said) })
  })

  test('is seen by those who have no key of the model', async () => {
    const into = { ...unified(qdrant.collection()), embedding_model: 'text-embedding-3-small' }
    const flags = sides('sqlite', history, 'unified', into)
    const env = { OPENAI_API_KEY: '' }
    const { code, stderr } = await drover(['status', ...flags], env)
    expect([code, stderr]).toEqual([2, expect.stringContaining('RUN_UNKNOWN')])
    const { embedding_model: _, ...without } = into
    await drover(['run', ...sides('sqlite', history, 'unified', without)])
    expect(await drover(['verify', ...flags], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('are the same'),
    })
  })

  test('is verified by what its filters choose, where others have written to the same collection', async () => {
    const collection = qdrant.collection()
    const file = (name: string, filters: string): void => {
      folder.write(
        `${name}.yaml`,
        `source_type: sqlite\nsource_config: { connection_string: history.db }\ndestination_type: unified\ndestination_config: ${JSON.stringify(unified(collection))}\nfilters: ${filters}\n`,
      )
    }
    file('customers', '{ thread_pattern: "customer-*" }')
    file('others', '{ exclude_threads: ["customer-*"] }')
    const both = ['customers.yaml', 'others.yaml']
    for (const name of both) expect(await drover(['run', name])).toMatchObject({ code: 0 })
    for (const name of both) {
      const { code, stdout } = await drover(['verify', name])
      expect(code, stdout).toBe(0)
    }
    const { points } = await qdrant.client.scroll(collection, { limit: 100 })
    const [gone] = points.filter(({ payload }) => payload?.session_id === 'customer-1')
    await qdrant.client.delete(collection, { points: [gone?.id ?? 0], wait: true })
    expect(await drover(['verify', 'customers.yaml'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 missing, 0 extra'),
    })
    expect(await drover(['verify', 'others.yaml'])).toMatchObject({ code: 0 })
  })
})

describe('an encrypted store', () => {
  const fixture = path.resolve(import.meta.dirname, '../../../checkpoints/fixtures/langgraph/sqlite-encrypted.db')
  const key = '0123456789abcdef'
  beforeAll(() => {
    copyFileSync(fixture, 'sealed.db')
    folder.write(
      'sealed.yaml',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
      'source_type: sqlite\nsource_config: { connection_string: sealed.db }\ndestination_type: json\ndestination_config: { output_dir: opened, single_file: true, aes_key: "${AES_KEY}" }\n',
    )
  })

  test('is opened with its key; what another key could not open is replayed with the right one', async () => {
    const wrong = await drover(['run', 'sealed.yaml'], { AES_KEY: 'not-the-right-one' })
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('16, 24 or 32 bytes') })
    const other = await drover(['run', 'sealed.yaml'], { AES_KEY: key.replace('0', 'x') })
    expect(other).toMatchObject({ code: 3, stdout: expect.stringContaining('the key given does not fit') })
    expect(await drover(['run', 'sealed.yaml'], { AES_KEY: key })).toMatchObject({ code: 3 })
    expect(await drover(['replay', 'sealed.yaml'], { AES_KEY: key })).toMatchObject({ code: 0 })
    const again = await drover(['run', 'sealed.yaml'], { AES_KEY: key })
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('was sent again, all of it, by a replay') })
    const text = readFileSync('opened/checkpoints_export.json', 'utf8')
    expect(text).toContain('How is the weather, customer-1?')
    expect(text).not.toContain('$opaque')
  })

  test('keeps its values closed without a key, and counts them', async () => {
    const flags = sides('sqlite', { connection_string: 'sealed.db' }, 'json', { output_dir: 'closed' })
    const { code, stdout } = await drover(['run', ...flags])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/besides +\d+ opaque msgpack\+aes/)])
    expect(exported('closed')).toHaveLength(18)
  })
})

describePostgres('what nobody is to see', () => {
  const database = useDatabase()
  beforeAll(async () => {
    await fillPostgresHistory(database, 'message_store')
    await database.query("INSERT INTO message_store (session_id, message) VALUES ('odd', '{}')")
    copySqliteCheckpoints('plain.db')
    change('plain.db', 'UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 40) WHERE rowid = 3')
  })

  test('is in no output and in no file', async () => {
    await using server = await startQdrantServer({ apiKey: 'hunter2key' })
    const password = new URL(database.url).password
    const from = { connection_string: database.url }
    const into = { qdrant_url: server.url, collection: 'c', api_key: 'hunter2key' }
    const env = { OPENAI_API_KEY: 'hunter2openai', OPENAI_BASE_URL: 'http://127.0.0.1:1' }
    const good = sides('postgresql', from, 'unified', into)
    const opened = sides('sqlite', { connection_string: 'plain.db' }, 'json', {
      output_dir: 'shown',
      aes_key: 'hunter2hunter2ab',
    })
    const said: string[] = []
    const hear = async (code: number, ...args: string[]): Promise<string> => {
      const { stdout, stderr, ...outcome } = await drover(args, env)
      expect(outcome.code, stdout + stderr).toBe(code)
      said.push(stdout, stderr)
      return stdout
    }
    const heard: Record<string, unknown>[] = []
    for (const more of [
      ['--dry-run'],
      ['--dry-run', '--json'],
      ['--verbose'],
      ['--json', '--verbose', '--again', 'full'],
    ]) {
      for (const flags of [good, opened]) {
        const stdout = await hear(3, 'run', ...flags, ...more)
        if (more.includes('--json')) heard.push(...events(stdout))
      }
    }
    await hear(0, 'status')
    await hear(0, 'status', '--json')
    await hear(0, 'status', ...good, '--json')
    await hear(1, 'verify', ...sides('postgresql', from, 'unified', { ...into, api_key: 'hunter2wrong' }))
    await hear(
      1,
      'run',
      ...sides('postgresql', { connection_string: database.url.replace(password, 'hunter2wrong') }, 'unified', into),
      '--again',
      'full',
    )
    const misnamed = sides('postgresql', { ...from, password: 'hunter2' }, 'unified', { ...into, apikey: 'hunter2key' })
    await hear(2, 'run', ...misnamed)
    expect(said.at(-1)).toContain('--dest-config /apikey is wrong: destination_config has no "apikey"')
    await hear(2, 'run', ...good, `--no-such=${database.url}`, '--json')
    expect(events(said.at(-2) ?? '')).toEqual([
      { event: 'failed', code: 'OPTION_INVALID', message: expect.stringContaining('--no-such'), usage: true },
    ])
    const model = { ...into, collection: 'd', embedding_model: 'text-embedding-3-small' }
    await hear(3, 'run', ...sides('postgresql', from, 'unified', model), '--dry-run')

    const hidden = [/hunter2/, new RegExp(password.replaceAll(/\W/g, '\\$&'))]
    for (const text of [...said, ...filesOf(folder.path)]) for (const secret of hidden) expect(text).not.toMatch(secret)
    expect(filesOf(folder.path).some((text) => text.includes('RECORD_UNREADABLE'))).toBe(true)
    // What programs read stays as it is.
    const shapes = new Map(heard.map(({ event, ...rest }) => [event, Object.keys(rest).toSorted().join(' ')]))
    expect(Object.fromEntries(shapes)).toMatchObject({
      'dry-run': 'connectivity estimatedTime issues report sample total',
      'run:started': 'at estimated guarantee name resumed run total',
      'batch:committed': 'after at batch bytes cursor durationMs partition retries sequence',
      'record:rejected': 'at code key message partition stage',
      'run:finished': expect.stringContaining('counts'),
    })
  })
})

/** The texts of all files that runs have left: state, dead letters, exports. Databases of the test itself are not among them. */
function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:db|ts|yaml)$/.test(entry.name))
    .map(({ parentPath, name }) => readFileSync(path.join(parentPath, name), 'latin1'))
}
