import path from 'node:path'

/** Where the stores of the examples are. */
export interface Places {
  readonly postgres: string
  readonly sqlite: string
  readonly redis: string
  readonly qdrant: string
  /** That files are written to. */
  readonly folder: string
}

/** An example of the migration tool: what stands behind `drover`. */
export interface Migration {
  readonly title: string
  readonly args: readonly string[]
}

const config = path.resolve(import.meta.dirname, 'config.yaml')

/** The four examples. Where a document says localhost, the flags say where the store really is. */
export function migrations({ postgres, sqlite, redis, qdrant, folder }: Places): Record<MigrationName, Migration> {
  const json = (value: object): string => JSON.stringify(value)
  return {
    unified: {
      title: '1. PostgreSQL to unified memory',
      args: [
        ...['run', '--source', 'postgresql'],
        ...['--source-config', json({ connection_string: postgres, table_name: 'chat_history' })],
        ...['--destination', 'unified'],
        ...['--dest-config', json({ qdrant_url: qdrant, collection: 'checkpoints' })],
        ...['--batch-size', '500'],
      ],
    },
    json: {
      title: '2. SQLite to JSON',
      args: [
        ...['run', '--source', 'sqlite', '--source-config', json({ connection_string: `sqlite:///${sqlite}` })],
        ...['--destination', 'json', '--dest-config', json({ output_dir: `${folder}/exports`, single_file: false })],
      ],
    },
    parquet: {
      title: '3. Redis to Parquet',
      args: [
        ...['run', '--source', 'redis', '--source-config', json({ redis_url: redis, key_prefix: 'checkpoint:' })],
        ...['--destination', 'parquet'],
        ...['--dest-config', json({ output_path: `${folder}/data.parquet`, compression: 'snappy' })],
      ],
    },
    config: {
      title: '4. A YAML configuration',
      args: [
        ...['run', '--config', config],
        ...['--source-config', json({ connection_string: postgres }), '--dest-config', json({ qdrant_url: qdrant })],
      ],
    },
  }
}

export type MigrationName = 'unified' | 'json' | 'parquet' | 'config'
