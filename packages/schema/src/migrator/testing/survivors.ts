import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { Migration } from '../../contracts/migration.js'
import type { MigrationContext } from '../../contracts/migration-context.js'

/** Of each way in which a revision runs one; what is done twice, or half, is seen in the tables. */
export const survivors: readonly Migration[] = [
  {
    id: '001_one',
    up: async ({ sql }) => {
      await sql('CREATE TABLE items (id integer PRIMARY KEY, n integer NOT NULL)')
      await sql('INSERT INTO items VALUES (1, 0), (2, 0), (3, 0), (4, 0)')
      await sql('CREATE TABLE ran (step text)')
      await sql(`INSERT INTO ran VALUES ('001')`)
    },
  },
  {
    id: '002_none',
    dependsOn: '001_one',
    transaction: 'none',
    idempotent: true,
    up: async ({ sql }) => {
      await sql('CREATE TABLE IF NOT EXISTS marks (step text PRIMARY KEY)')
      await sql(`INSERT INTO marks VALUES ('002a') ON CONFLICT DO NOTHING`)
    },
  },
  {
    id: '003_backfill',
    dependsOn: '002_none',
    up: async ({ sql, backfill }) => {
      await sql('ALTER TABLE items ADD COLUMN done integer NOT NULL DEFAULT 0')
      await sql(`INSERT INTO ran VALUES ('003a')`)
      await backfill({ name: 'survivors', table: 'items', sets: ['n'], set: { n: 'n + 1' }, batchSize: 2 })
      await sql(`INSERT INTO ran VALUES ('003b')`)
    },
  },
  ...['a', 'b', 'c'].map((name, at, names) => ({
    id: `004_${name}`,
    dependsOn: at === 0 ? '003_backfill' : `004_${names[at - 1]}`,
    up: async ({ sql }: MigrationContext) => {
      await sql(`CREATE TABLE light_${name} (step text)`)
      await sql(`INSERT INTO light_${name} VALUES ('004${name}')`)
    },
  })),
]

/** What is done on a connection. */
export type WatchedCall = 'query' | 'run' | 'statement' | 'exec' | 'begin' | 'commit'

/** A database that calls `onCall` before each thing that is done on the connection on which revisions run. */
export function watched(database: SchemaDatabase, onCall: (name: WatchedCall) => void): SchemaDatabase {
  return intercepting(database, {
    connect: async (operation) => {
      const connection = await database.connect(operation)
      const calling = <P extends unknown[], T>(name: WatchedCall, method: (...given: P) => Promise<T>) => {
        return (...given: P): Promise<T> => {
          onCall(name)
          return method.apply(connection, given)
        }
      }
      return intercepting<SchemaConnection>(connection, {
        query: calling('query', connection.query),
        run: calling('run', connection.run),
        statement: calling('statement', connection.statement),
        exec: calling('exec', connection.exec),
        begin: calling('begin', connection.begin),
        commit: calling('commit', connection.commit),
      })
    },
  })
}

/** Members of `instead` in place of those of `real`, which keeps its private ones. */
function intercepting<T extends object>(real: T, instead: Partial<T>): T {
  return new Proxy(real, {
    get: (_, name) => {
      const found: unknown = Reflect.get(name in instead ? instead : real, name)
      return typeof found === 'function' && !(name in instead) ? found.bind(real) : found
    },
  })
}
