// One contender of the Parquet contests per process, as worker.mjs: what one of them loads burdens no other.

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)

/** What records say by themselves is numbers and texts. */
const types = { id: 'int64', token_count: 'int32', created_at: 'timestamptz(6)', metadata: 'json' }

const tasks = {
  async export({ from: url, file, step, compression, ...limits }) {
    const { postgresSource } = await import('@drover/adapter-postgres')
    const { from, runPipeline } = await import('@drover/core')
    const { parquetSink } = await import('@drover/export-parquet')
    const source = postgresSource({ connection: url, table: 'messages', ...(step && { json: 'text' }) })
    await runPipeline({
      name: 'bench',
      source: step
        ? from(source).pipe((m) => ({ ...m, token_count: Math.max(1, Math.floor(m.content.length / 4)) }))
        : source,
      sink: parquetSink({ outputPath: file, compression, ...(step && { types }) }),
      ...limits,
    })
  },

  /** CSV from the standard input, its columns named and typed, so that nothing is guessed. */
  async duckdb({ file, compression }) {
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(`COPY (SELECT * FROM read_csv('/dev/stdin', header = false, columns = {
        id: 'BIGINT', thread_id: 'VARCHAR', role: 'VARCHAR', content: 'VARCHAR', token_count: 'INTEGER', created_at: 'TIMESTAMPTZ', metadata: 'VARCHAR'
      })) TO '${file}' (FORMAT parquet, COMPRESSION ${compression})`)
  },

  /** What people write: pages of a query, an array for each column, and the file at the end. */
  async naive({ from: url, file }) {
    const { default: pg } = await import('pg')
    const { parquetWriteFile } = await import('hyparquet-writer')
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const columns = { id: [], thread_id: [], role: [], content: [], token_count: [], created_at: [], metadata: [] }
    for (let last = '0'; ; ) {
      const page = 'SELECT * FROM messages WHERE id > $1 ORDER BY id LIMIT 10000'
      const { rows } = await client.query(page, [last])
      if (rows.length === 0) break
      last = rows.at(-1).id
      for (const row of rows) {
        columns.id.push(BigInt(row.id))
        columns.thread_id.push(row.thread_id)
        columns.role.push(row.role)
        columns.content.push(row.content)
        columns.token_count.push(row.token_count)
        columns.created_at.push(row.created_at)
        columns.metadata.push(row.metadata)
      }
    }
    await client.end()
    const types = { id: 'INT64', token_count: 'INT32', created_at: 'TIMESTAMP', metadata: 'JSON' }
    parquetWriteFile({
      filename: file,
      columnData: Object.entries(columns).map(([name, data]) => ({ name, data, type: types[name] ?? 'STRING' })),
    })
  },

  /** The rows of one row group after the other, as objects. */
  async hyparquet({ file, rows }) {
    const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
    const { compressors } = await import('hyparquet-compressors')
    const buffer = await asyncBufferFromFile(file)
    const metadata = await parquetMetadataAsync(buffer)
    let read = 0
    for (const group of metadata.row_groups) {
      const [rowStart, rowEnd] = [read, read + Number(group.num_rows)]
      read += (await parquetReadObjects({ file: buffer, metadata, compressors, rowStart, rowEnd })).length
    }
    expectRows(read, rows)
  },

  async read({ file, rows, ...limits }) {
    const { memoryStateStore, runPipeline } = await import('@drover/core')
    const { parquetSource } = await import('@drover/export-parquet')
    let read = 0
    const counter = {
      specVersion: 1,
      name: 'counter',
      guarantee: 'idempotent',
      connect: async () => ({
        async write(batch) {
          let inserted = 0
          for await (const page of batch) inserted += page.rows().length
          read += inserted
          return { inserted, updated: 0, skipped: 0 }
        },
        async [Symbol.asyncDispose]() {},
      }),
    }
    const source = parquetSource({ path: file, key: 'id' })
    await runPipeline({ name: 'bench', source, sink: counter, state: memoryStateStore(), ...limits })
    expectRows(read, rows)
  },
}

function expectRows(read, rows) {
  if (read !== rows) throw new Error(`${read} rows were read instead of ${rows}.`)
}

await tasks[task](options)
