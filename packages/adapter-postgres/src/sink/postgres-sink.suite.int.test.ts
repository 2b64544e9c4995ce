import { type ExactSinkHarnessFactory, exactSinkSuite, killModel } from '@drover/conformance'
import type { Field, Row } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { readRows } from '../testing/read-rows.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresSink } from './postgres-sink.js'

describePostgres('postgresSink', () => {
  const database = useDatabase()

  const create: ExactSinkHarnessFactory['create'] = async ({ schema, onConflict = 'error', deferred = false }) => {
    const place = await TestSchema.create(database)
    const table = `${place.name}.rows`
    const names = schema.fields.map(({ name }) => name)
    if (names.includes('name')) await database.query(tableSql(place.name, schema.fields, schema.key, deferred))
    return {
      open: () =>
        postgresSink({
          connection: database.url,
          table,
          stateSchema: place.name,
          ...(schema.key.length > 0 && { key: schema.key }),
          onConflict: onConflict === 'merge' ? { merge: ['score'] } : onConflict,
        }),
      contents: () => readRows(database.url, table, schema.fields),
      refusable: (row: Row) => ({ ...row, name: 'refused' }),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  }

  exactSinkSuite('postgresSink', {
    capabilities: {
      values: [
        'boolean',
        'int32',
        'int64',
        'float64',
        'negativeZero',
        'infinity',
        'nan',
        'text',
        'bytes',
        'decimal',
        'json',
        'timestampMs',
        'timestampUs',
        'date',
        'uuid',
        'vector',
      ],
      keys: ['int', 'bigint', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update', 'merge'],
      refuses: true,
      tellsRow: true,
      readBack: true,
      defersRefusals: true,
    },
    create,
  })

  exactSinkSuite('postgresSink into a table without a key', {
    capabilities: { values: ['text'], keys: ['none'], refuses: true, tellsRow: true, defersRefusals: true },
    create,
  })

  // Each life with connections of its own, or all of them from one pool of the application.
  for (const [refusals, connections, stride] of [
    ['tells', 'its own', 37],
    ['silent', "the application's", 43],
    ['deferred', "the application's", 43],
  ] as const) {
    test(`nothing is lost or doubled, wherever a process ends (refusals: ${refusals}, connections: ${connections})`, {
      timeout: 300_000,
    }, async () => {
      // An heir ends the connections of those whom it overtakes.
      const pool = new Pool({ connectionString: database.url, max: 20 }).on('error', () => {})
      const connection = connections === 'its own' ? database.url : pool
      const report = await killModel({
        refusals,
        stride,
        create: async ({ sinkSchema }) => {
          const place = await TestSchema.create(database)
          const table = `${place.name}.rows`
          return {
            openSink: () => postgresSink({ connection, table, stateSchema: place.name, key: sinkSchema.key }),
            contents: () => readRows(database.url, table, sinkSchema.fields),
            [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
          }
        },
      })
      await pool.end()
      expect(report.kills).toBeGreaterThan(6)
      expect(report.zombies).toBeGreaterThan(2)
    })
  }
})

/** What is refused is refused by a constraint, which a table has that was there before. */
function tableSql(schema: string, fields: readonly Field[], key: readonly string[], isDeferred: boolean): string {
  const idType = fields[0]?.type.kind === 'int' ? 'bigint' : 'text'
  const types = new Map([
    ['id', idType],
    ['tenant', 'text'],
    ['number', 'bigint'],
    [
      'name',
      isDeferred ? `text REFERENCES ${schema}.names DEFERRABLE INITIALLY DEFERRED` : `text CHECK (name <> 'refused')`,
    ],
    ['score', 'double precision'],
  ])
  const columns = fields.map(({ name }) => `${name} ${types.get(name)}`)
  if (key.length > 0) columns.push(`PRIMARY KEY (${key.join(', ')})`)
  // All other names are there once the row is.
  const trigger = `
    CREATE FUNCTION ${schema}.name_it() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO ${schema}.names VALUES (NEW.name) ON CONFLICT DO NOTHING; RETURN NEW; END $$;
    CREATE TRIGGER name_them AFTER INSERT ON ${schema}.rows FOR EACH ROW
      WHEN (NEW.name <> 'refused') EXECUTE FUNCTION ${schema}.name_it();`
  return `
    CREATE TABLE ${schema}.names (name text PRIMARY KEY);
    CREATE TABLE ${schema}.rows (${columns.join(', ')});
    ${isDeferred ? trigger : ''}`
}
