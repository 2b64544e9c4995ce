// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { readFileSync } from 'node:fs'
import { memorySink, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { parquetSource } from '@drover/export-parquet'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  copySqliteCheckpoints,
  fillPostgresCheckpoints,
  fillPostgresHistory,
  fillRedisHistory,
  fillSqliteHistory,
  keptCheckpoints,
  messages,
} from '../testing/agent-stores.js'
import { drover } from '../testing/command.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
const qdrant = useQdrant()
beforeAll(() => {
  process.chdir(folder.path)
  fillSqliteHistory('history.db')
  copySqliteCheckpoints('checkpoints.db')
})

type Config = Readonly<Record<string, unknown>>

/** The flags of the document. */
function flags(source: string, from: Config, destination: string, into: Config): string[] {
  return [
    'run',
    '--source',
    source,
    '--source-config',
    JSON.stringify(from),
    '--destination',
    destination,
    '--dest-config',
    JSON.stringify(into),
  ]
}

async function rowsOfParquet(path: string): Promise<Row[]> {
  const sink = memorySink<Row>()
  await runPipeline({ name: 'rows', source: parquetSource({ path }), sink, state: memoryStateStore() })
  return sink.store.rows.map((row) => ({ ...row }))
}

const unified = (collection: string): Config => ({
  qdrant_url: qdrant.url,
  collection,
  ...(qdrant.apiKey === undefined ? {} : { api_key: qdrant.apiKey }),
})

/** Moves a source into every destination of the document, and the unified memory on into files. */
function intoAll(
  name: string,
  source: string,
  from: () => Config,
  count: number,
  kind: 'messages' | 'checkpoints',
): void {
  const moved = async (destination: string, into: Config, origin = source, at = from()): Promise<void> => {
    const { code, stdout, stderr } = await drover(flags(origin, at, destination, into))
    expect([code, stderr.replace(/^.*records.*$\n?/gm, '')], stdout).toEqual([0, ''])
    expect(stdout).toContain(`${count} read = ${count} written + 0 filtered + 0 rejected`)
  }
  const collection = qdrant.collection()
  const isVerified = async (destination: string, into: Config): Promise<void> => {
    const [, ...same] = flags(source, from(), destination, into)
    expect(await drover(['verify', ...same])).toMatchObject({ code: 0, stderr: '' })
  }

  describe(name, () => {
    test('into json, one file, which is verified', async () => {
      const into = { output_dir: `${name}-one`, single_file: true, indent: 2 }
      await moved('json', into)
      await isVerified('json', into)
      expectExport(JSON.parse(readFileSync(`${name}-one/checkpoints_export.json`, 'utf8')))
    })

    test('into json, a file for each batch', async () => {
      await moved('json', { output_dir: `${name}-many`, single_file: false })
      expectExport(JSON.parse(readFileSync(`${name}-many/checkpoints_export_batch_0001.json`, 'utf8')))
    })

    test('into parquet, which is verified', async () => {
      const into = { output_path: `${name}.parquet`, compression: 'snappy' }
      await moved('parquet', into)
      await isVerified('parquet', into)
      const rows = await rowsOfParquet(`${name}.parquet`)
      expect(rows).toHaveLength(count)
      expect(new Set(rows.map(({ id }) => id)).size).toBe(count)
    })

    test('into unified, which is verified, and from there into json and parquet', async () => {
      await moved('unified', unified(collection))
      expect((await qdrant.client.count(collection, { exact: true })).count).toBe(count)
      await isVerified('unified', unified(collection))
      await moved('json', { output_dir: `${name}-back`, single_file: true }, 'unified', unified(collection))
      expectExport(JSON.parse(readFileSync(`${name}-back/checkpoints_export.json`, 'utf8')))
      await moved('parquet', { output_path: `${name}-back.parquet` }, 'unified', unified(collection))
      expect(await rowsOfParquet(`${name}-back.parquet`)).toHaveLength(count)
      const copy = qdrant.collection()
      await moved('unified', unified(copy), 'unified', unified(collection))
      expect((await qdrant.client.count(copy, { exact: true })).count).toBe(count)
    })
  })

  function expectExport(exported: { readonly metadata: object; readonly checkpoints: readonly Row[] }): void {
    expect(exported.metadata).toBeTypeOf('object')
    expect(exported.checkpoints).toHaveLength(count)
    if (kind === 'checkpoints') return
    const calls = exported.checkpoints.flatMap(({ tool_calls }) => (Array.isArray(tool_calls) ? tool_calls : []))
    expect(calls).toHaveLength(3)
    expect(exported.checkpoints.filter(({ content }) => Array.isArray(content))).toHaveLength(3)
  }
}

describe('a store of SQLite', () => {
  intoAll(
    'sqlite-messages',
    'sqlite',
    () => ({ connection_string: 'sqlite:///history.db' }),
    messages.length,
    'messages',
  )
  intoAll(
    'sqlite-checkpoints',
    'sqlite',
    () => ({ connection_string: 'sqlite:///checkpoints.db' }),
    keptCheckpoints.sqlite,
    'checkpoints',
  )
})

describePostgres('a store of PostgreSQL', () => {
  const history = useDatabase()
  const checkpoints = useDatabase()
  beforeAll(async () => {
    await fillPostgresHistory(history, 'chat_message_history')
    await fillPostgresCheckpoints(checkpoints)
  })
  intoAll(
    'pg-messages',
    'postgresql',
    () => ({ connection_string: history.url, table_name: 'chat_message_history' }),
    messages.length,
    'messages',
  )
  intoAll(
    'pg-checkpoints',
    'postgres',
    () => ({ connection_string: checkpoints.url }),
    keptCheckpoints.postgres,
    'checkpoints',
  )
})

describeRedis('a store of Redis', () => {
  const redis = useRedis()
  beforeAll(() => fillRedisHistory(redis.client, 'checkpoint:'))
  intoAll(
    'redis-messages',
    'redis',
    () => ({ redis_url: redis.url, key_prefix: 'checkpoint:', decode_responses: true }),
    messages.length,
    'messages',
  )
})
