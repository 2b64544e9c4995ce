import { exactSinkSuite } from '@drover/conformance'
import { quoteName } from '../connection/quote-name.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSink } from './sqlite-sink.js'

for (const driver of drivers) {
  exactSinkSuite(`sqliteSink over ${driver}`, {
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
      conflicts: ['error', 'skip', 'update', 'merge'],
      refuses: true,
      tellsRow: true,
      readBack: true,
      defersRefusals: true,
    },
    create: async ({ schema, onConflict = 'error', deferred = false }) => {
      const database = new TestDatabase(driver)
      const columns = schema.fields.map(({ name }) => name)
      if (columns.includes('name')) {
        // What is refused is refused by a constraint, which a table has that was there before.
        const types = new Map([
          ['id', schema.fields[0]?.type.kind === 'int' ? 'INTEGER' : 'TEXT'],
          ['tenant', 'TEXT'],
          ['number', 'INTEGER'],
          ['name', deferred ? 'TEXT REFERENCES names DEFERRABLE INITIALLY DEFERRED' : `TEXT CHECK (name <> 'refused')`],
          ['score', 'REAL'],
        ])
        const key = schema.key.length > 0 ? `, PRIMARY KEY (${schema.key.map(quoteName).join(', ')})` : ''
        await database.exec(`
          PRAGMA journal_mode = WAL;
          CREATE TABLE names (name TEXT PRIMARY KEY);
          CREATE TABLE rows (${columns.map((name) => `"${name}" ${types.get(name)}`).join(', ')}${key});
        `)
        // All other names are there once the row is.
        if (deferred) {
          await database.exec(`CREATE TRIGGER name_them AFTER INSERT ON rows WHEN NEW.name <> 'refused'
            BEGIN INSERT INTO names VALUES (NEW.name) ON CONFLICT DO NOTHING; END`)
        }
      }
      return {
        open: () =>
          sqliteSink({
            filename: database.file,
            driver,
            table: 'rows',
            ...(schema.key.length > 0 && { key: schema.key }),
            onConflict: onConflict === 'merge' ? { merge: ['score'] } : onConflict,
          }),
        contents: async () =>
          (await database.value(`SELECT count(*) FROM sqlite_master WHERE name = 'rows'`)) === 0
            ? []
            : database.records('rows', schema.fields),
        refusable: (row) => ({ ...row, name: 'refused' }),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    },
  })
}
