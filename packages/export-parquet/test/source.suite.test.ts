import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type SourceHarness, sourceSuite, type ValueSetName, valueSets } from '@drover/conformance'
import { encodeJson, keyValues, type Row } from '@drover/core'
import { parquetSource } from '../src/index.js'
import { quoted, tempFolder, writeRecords } from './source-fixtures.js'

// Parquet has no column in which each value brings its own type. DuckDB's JSON keeps its texts, its timestamps have six digits.
const values = (Object.keys(valueSets) as ValueSetName[]).filter(
  (name) => !['any', 'json', 'timestampMs'].includes(name),
)

/** The suite stores the same records again and again. */
const written = new Map<string, Buffer>()

sourceSuite('Parquet, files by DuckDB', {
  capabilities: {
    // A key is text and numbers to a file: the composite one holds both.
    keys: ['bigint', 'composite', 'none'],
    values: [...values, 'json'],
    count: 'exact',
    partitions: true,
    pushDown: true,
    unreadable: true,
  },
  create: async (schema): Promise<SourceHarness> => {
    const folder = await tempFolder()
    const files: { readonly path: string; readonly rows: readonly Row[] }[] = []
    const write = async (rows: readonly Row[]): Promise<void> => {
      const path = join(folder, `${String(files.length).padStart(6, '0')}.parquet`)
      const metadata = `KV_METADATA {'drover.schema': ${quoted(JSON.stringify(schema))}}`
      const made = rows.map((row) => encodeJson(row)).join('\n') + JSON.stringify(schema)
      const bytes = written.get(made)
      if (bytes === undefined) {
        await writeRecords(path, schema, rows, `COMPRESSION uncompressed, ${metadata}`)
        written.set(made, await readFile(path))
      } else await writeFile(path, bytes)
      files.push({ path, rows })
    }
    await write([])
    return {
      open: () => parquetSource({ path: folder, ...(schema.key.length === 0 ? {} : { key: schema.key }) }),
      seed: async (rows) => {
        const size = Math.max(15, Math.ceil(rows.length / 4))
        for (let at = 0; at < rows.length; at += size) await write(rows.slice(at, at + size))
      },
      spoil: async (record) => {
        const file = files.find(({ rows }) => rows.includes(record))
        if (file === undefined) throw new Error('The record is not there.')
        const bytes = await readFile(file.path)
        const text = Buffer.from(String(record.name))
        // Its length stands before it.
        const at = bytes.indexOf(Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text])) + 4
        if (at < 4) throw new Error('Its text is not there.')
        bytes[at] = 0xff
        await writeFile(file.path, bytes)
        return keyValues(record, schema.key)
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    }
  },
})
