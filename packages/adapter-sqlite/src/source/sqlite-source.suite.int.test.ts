import { sourceSuite } from '@drover/conformance'
import type { Field, RecordSchema, Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

for (const driver of drivers) {
  sourceSuite(`sqliteSource over ${driver}`, {
    capabilities: {
      values: [
        'int32',
        'int64',
        'float64',
        'infinity',
        'text',
        'nulText',
        'bytes',
        'decimal',
        'timestampMs',
        'timestampUs',
        'date',
        'uuid',
        'any',
      ],
      keys: ['int', 'bigint', 'text', 'composite', 'none'],
      count: 'exact',
      partitions: true,
      split: true,
      pushDown: true,
      unreadable: true,
    },
    create: async (schema) => {
      const database = new TestDatabase(driver)
      const columns = schema.fields.map((field) => `${quoteName(field.name)} ${declared(field)}`)
      const key = schema.key.map(quoteName).join(', ')
      await database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
        CREATE TABLE rows (${columns.join(', ')}${key === '' ? '' : `, PRIMARY KEY (${key})`})`)
      return {
        open: () => sqliteSource({ filename: database.file, driver, table: 'rows' }),
        seed: async (records) => {
          await using connection = await database.open()
          await connection.exec('PRAGMA synchronous = OFF')
          await connection.transaction(async () => {
            const sql = `INSERT INTO rows VALUES (${schema.fields.map(() => '?').join(', ')})`
            for (const record of records) await connection.run(sql, valuesOf(schema, record))
          })
        },
        spoil: async (record) => {
          await using connection = await database.open()
          const condition = schema.fields.map(({ name }) => `${quoteName(name)} IS ?`).join(' AND ')
          const rows = await connection.all(`SELECT rowid FROM rows WHERE ${condition}`, valuesOf(schema, record))
          await connection.run(`UPDATE rows SET name = CAST(x'61ff' AS TEXT) WHERE rowid = ?`, [
            BigInt(Number(rows[0]?.[0])),
          ])
          return schema.key.length === 0 ? [Number(rows[0]?.[0])] : schema.key.map((name) => record[name])
        },
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    },
  })
}

function declared({ name, type }: Field): string {
  if (name === 'id' && type.kind === 'int') return 'INTEGER NOT NULL'
  const types: Partial<Record<Field['type']['kind'], string>> = {
    int: 'INTEGER',
    float: 'REAL',
    any: '',
    bytes: 'BLOB',
  }
  return types[type.kind] ?? 'TEXT'
}

function valuesOf(schema: RecordSchema, record: Row): SqliteValue[] {
  return schema.fields.map(({ name, type }) => {
    const value = record[name] as SqliteValue
    return type.kind === 'int' && typeof value === 'number' ? BigInt(value) : value
  })
}
