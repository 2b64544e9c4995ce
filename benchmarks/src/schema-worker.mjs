// One contender of the contests of schema per process, as worker.mjs: what one of them loads burdens no other.

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)

const idOf = (n) => `r${String(n).padStart(4, '0')}`
const tableOf = (n) => `t${n}`
const isPostgres = (location) => location.startsWith('postgres')

function revisions(count) {
  return Array.from({ length: count }, (_, n) => ({
    id: idOf(n),
    ...(n === 0 ? {} : { dependsOn: idOf(n - 1) }),
    up: ({ schema }) => schema.createTable(tableOf(n), (table) => void table.integer('id')),
    down: ({ schema }) => schema.dropTable(tableOf(n)),
  }))
}

async function migrator({ location, count }) {
  const { createMigrator } = await import('@drover/schema')
  return createMigrator({ connection: location, migrations: revisions(count) })
}

async function openKnex(location) {
  const { default: makeKnex } = await import('knex')
  return makeKnex(
    isPostgres(location)
      ? { client: 'pg', connection: location }
      : { client: 'better-sqlite3', connection: { filename: location }, useNullAsDefault: true },
  )
}

const tasks = {
  async drover(given) {
    const ours = await migrator(given)
    const { revisions: done } = await ours.up()
    if (done.length !== given.count) throw new Error(`${done.length} were applied`)
    await ours[Symbol.asyncDispose]()
  },

  async knex({ location, count }) {
    const knex = await openKnex(location)
    const names = Array.from({ length: count }, (_, n) => n)
    const migrationSource = {
      getMigrations: async () => names,
      getMigrationName: idOf,
      getMigration: async (n) => ({
        up: (db) => db.schema.createTable(tableOf(n), (table) => void table.integer('id')),
        down: (db) => db.schema.dropTable(tableOf(n)),
      }),
    }
    const [, done] = await knex.migrate.latest({ migrationSource })
    if (done.length !== count) throw new Error(`${done.length} were applied`)
    await knex.destroy()
  },

  /** It has no storage for a database without Sequelize: this one is as small as can be. */
  async umzug({ location, count }) {
    const { Umzug } = await import('umzug')
    const knex = await openKnex(location)
    if (!(await knex.schema.hasTable('umzug'))) await knex.schema.createTable('umzug', (table) => table.text('name'))
    const umzug = new Umzug({
      migrations: Array.from({ length: count }, (_, n) => ({
        name: idOf(n),
        up: () => knex.schema.createTable(tableOf(n), (table) => void table.integer('id')),
      })),
      storage: {
        logMigration: ({ name }) => knex('umzug').insert({ name }),
        unlogMigration: ({ name }) => knex('umzug').where({ name }).delete(),
        executed: () => knex('umzug').orderBy('name').pluck('name'),
      },
      logger: undefined,
    })
    const done = await umzug.up()
    if (done.length !== count) throw new Error(`${done.length} were applied`)
    await knex.destroy()
  },

  async ensure({ times, ...given }) {
    const ours = await migrator(given)
    for (let n = 0; n < times; n++) {
      const { status } = await ours.ensure({ mode: 'apply' })
      if (status !== 'nothing') throw new Error(`the database was not at head: ${status}`)
    }
    await ours[Symbol.asyncDispose]()
  },

  /** The same rows, by the driver alone. */
  async select({ location, count, times }) {
    const sql = 'SELECT revision, status, checksum, is_compatible, depends_on FROM drover_migrations ORDER BY ordinal'
    const check = (rows) => {
      if (rows.length !== count) throw new Error(`${rows.length} rows`)
    }
    if (isPostgres(location)) {
      const { default: pg } = await import('pg')
      const pool = new pg.Pool({ connectionString: location })
      for (let n = 0; n < times; n++) check((await pool.query(sql)).rows)
      await pool.end()
      return
    }
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(location)
    for (let n = 0; n < times; n++) check(database.prepare(sql).all())
    database.close()
  },

  /** The same rows, by knex. */
  async 'knex-select'({ location, count, times }) {
    const knex = await openKnex(location)
    const columns = ['revision', 'status', 'checksum', 'is_compatible', 'depends_on']
    for (let n = 0; n < times; n++) {
      const rows = await knex('drover_migrations').select(columns).orderBy('ordinal')
      if (rows.length !== count) throw new Error(`${rows.length} rows`)
    }
    await knex.destroy()
  },
}

await tasks[task](options)
