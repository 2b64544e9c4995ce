import { DroverError, type ErrorCode, memoryStateStore, onStartup } from '@drover/core'
import { expect, it } from 'vitest'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { MigratorOptions } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { migrationTask } from '../startup/migration-task.js'
import { createMigrator, migratorOn } from './create-migrator.js'
import { stepHash } from './step-hash.js'
import { describeBoth } from './testing/both-databases.js'

async function failure(work: Promise<unknown>): Promise<{ readonly code: ErrorCode; readonly message: string }> {
  const error: unknown = await work.catch((thrown: unknown) => thrown)
  if (DroverError.isInstance(error)) return { code: error.code, message: error.message }
  throw new Error(`it did not fail with an error of ours: ${String(error)}`)
}

const base: Migration = {
  id: '001',
  up: async ({ sql }) => {
    await sql('CREATE TABLE ran (step text)')
  },
  down: async ({ sql }) => {
    await sql('DROP TABLE ran')
  },
}

const second = `INSERT INTO ran VALUES ('b')`

/** Three statements that stand for themselves. */
function loose(options: Partial<Migration> = {}, middle = second): Migration {
  return {
    id: '002',
    dependsOn: '001',
    transaction: 'none',
    up: async ({ sql }) => {
      await sql(`INSERT INTO ran VALUES ('a')`)
      await sql(middle)
      await sql(`INSERT INTO ran VALUES ('c')`)
    },
    ...options,
  }
}

describeBoth('a revision that was interrupted', (store) => {
  const migratorOf = (migrations: readonly Migration[], options: Partial<MigratorOptions> = {}) =>
    createMigrator({ connection: store().location, migrations, ...options })
  const steps = async (): Promise<string> =>
    (await store().query('SELECT step FROM ran ORDER BY step')).map(({ step }) => String(step)).join(' ')

  /** As a kill while the second step ran leaves it. */
  async function interruptSecond(): Promise<void> {
    await using broken = migratorOf([base, loose({}, 'INSERT INTO nowhere VALUES (1)')])
    await failure(broken.up())
    const [row] = await store().query(`SELECT steps FROM drover_migrations WHERE revision = '002'`)
    const done = JSON.parse(String(row?.steps)) as string[]
    const open = JSON.stringify([...done, `!${stepHash(second, [], false)}`])
    await store().exec(`UPDATE drover_migrations SET steps = '${open}', open_step = 1 WHERE revision = '002'`)
  }

  it('goes on behind the steps that are done, once it is mended', async () => {
    await using broken = migratorOf([base, loose({}, 'INSERT INTO nowhere VALUES (1)')])
    const { code, message } = await failure(broken.up())
    expect(code).toBe('MIGRATION_FAILED')
    expect(message).toContain('What it had committed before stays')
    expect(await broken.status()).toMatchObject({ current: ['001'], interrupted: ['002'], pending: ['002'] })
    expect(await failure(broken.down({ to: 'base' }))).toMatchObject({ code: 'MIGRATION_INTERRUPTED' })
    await using mended = migratorOf([base, loose()])
    await mended.up()
    expect(await steps()).toBe('a b c')
    expect(await mended.ensure({ mode: 'verify' })).toMatchObject({ status: 'nothing' })
  })

  it('is refused if a step that is done has changed', async () => {
    await using broken = migratorOf([base, loose({}, 'INSERT INTO nowhere VALUES (1)')])
    await failure(broken.up())
    const other = loose({
      up: async ({ sql }) => {
        await sql(`INSERT INTO ran VALUES ('other')`)
      },
    })
    await using edited = migratorOf([base, other])
    expect(await failure(edited.up())).toMatchObject({
      code: 'REVISION_EDITED',
      message: expect.stringContaining('its step 1 is not any more the one that was done then'),
    })
  })

  it('waits for a person where nobody knows whether a step was done, and does as he says', async () => {
    await interruptSecond()
    await using migrator = migratorOf([base, loose()])
    expect(await failure(migrator.up())).toMatchObject({
      code: 'MIGRATION_INTERRUPTED',
      message: expect.stringMatching(
        /its step 2 ran outside .*INSERT INTO ran VALUES \('b'\).*drover schema repair 002 retry/,
      ),
    })
    expect(await steps()).toBe('a')
    await migrator.repair('002', 'retry')
    await migrator.up()
    expect(await steps()).toBe('a b c')
    expect(await failure(migrator.repair('002', 'retry'))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await failure(migrator.repair('01', 'retry'))).toMatchObject({ code: 'REVISION_UNKNOWN' })
  })

  it('is what a person says it is: applied, or reverted', async () => {
    await interruptSecond()
    await using migrator = migratorOf([base, loose()])
    await migrator.repair('002', 'reverted')
    expect((await migrator.status()).pending).toEqual(['002'])
    await interruptSecond()
    await migrator.repair('002', 'applied')
    expect((await migrator.status()).current).toEqual(['002'])
    expect((await migrator.events()).map(({ action }) => action).filter((one) => one === 'repair')).toHaveLength(2)
  })

  it('runs a step again that may be, and none if what it is for is there', async () => {
    await interruptSecond()
    await using repeatable = migratorOf([base, loose({ idempotent: true })])
    await repeatable.up()
    expect(await steps()).toBe('a b c')
    await repeatable.stamp('001')
    await store().exec('DELETE FROM ran')
    await interruptSecond()
    const short = loose({
      up: async ({ sql }) => {
        await sql(`INSERT INTO ran VALUES ('a')`)
        await sql(second)
      },
      postconditions: [
        async function hasB({ query }) {
          return (await query(`SELECT step FROM ran WHERE step = 'b'`)).length === 1
        },
      ],
    })
    await store().exec(second)
    await using done = migratorOf([base, short])
    await done.up()
    expect(await steps()).toBe('a b')
  })

  it('is taken back to its end, if that was interrupted', async () => {
    const back = (middle: string): Migration =>
      loose({
        down: async ({ sql }) => {
          await sql(`DELETE FROM ran WHERE step = 'c'`)
          await sql(`INSERT INTO ran VALUES ('back')`)
          await sql(middle)
        },
      })
    await using broken = migratorOf([base, back('DELETE FROM nowhere WHERE a = 1')])
    await broken.up()
    expect(await failure(broken.down({ to: '001', acceptLoss: true }))).toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await steps()).toBe('a b back')
    expect(await broken.status()).toMatchObject({ current: ['001'], interrupted: ['002'] })
    expect(await failure(broken.up())).toMatchObject({
      code: 'MIGRATION_INTERRUPTED',
      message: expect.stringContaining('Call down again to finish that'),
    })
    await using mended = migratorOf([base, back(`DELETE FROM ran WHERE step = 'b'`)])
    expect((await mended.down({ to: '001', acceptLoss: true })).revisions).toMatchObject([{ id: '002' }])
    expect(await steps()).toBe('a back')
    expect(await mended.status()).toMatchObject({ current: ['001'], interrupted: [] })
  })

  it('is left by whoever has lost the right to migrate', async () => {
    const stolen = loose({
      up: async ({ sql, isPreview }) => {
        await sql(`INSERT INTO ran VALUES ('a')`)
        if (!isPreview) await store().exec('UPDATE drover_schema SET fence = fence + 1')
        await sql(second)
      },
    })
    await using migrator = migratorOf([base, stolen])
    expect(await failure(migrator.up())).toMatchObject({ code: 'FENCED' })
    expect(await steps()).toBe('a')
  })

  it('tries again when a lock is not to be had', async () => {
    await using first = migratorOf([base])
    await first.up()
    await using database = await openDatabase(
      store().dialect === 'sqlite' ? { filename: store().location } : store().location,
    )
    await using other = await database.connect({ signal: new AbortController().signal })
    await other.begin()
    await other.run(`INSERT INTO ran VALUES ('other')`)
    const warned: string[] = []
    const silent = (): void => {}
    const warn = (message: string): void => {
      warned.push(message)
      void other.commit()
    }
    const alter: Migration = {
      id: '002',
      dependsOn: '001',
      lockTimeoutMs: 20,
      up: async ({ sql }) => {
        await sql('ALTER TABLE ran ADD COLUMN more text')
      },
    }
    const logger = {
      debug: silent,
      info: (message: string) => message.includes('waiting') && warn(message),
      warn,
      error: silent,
    }
    const connection =
      store().dialect === 'sqlite' ? { filename: store().location, busyTimeoutMs: 20 } : store().location
    await using second = migratorOf([base, alter], { connection, logger })
    expect((await second.up()).revisions).toMatchObject([{ id: '002' }])
    expect(warned.length).toBeGreaterThan(0)
    expect(await steps()).toBe('other')
  })
})

describeBoth('a start-up', (store) => {
  it('asks a database that is at head for one thing', async () => {
    const asked: string[] = []
    const counting = async (): Promise<SchemaDatabase> => {
      const database = await openDatabase(store().location)
      return {
        ...database,
        state: new Proxy(database.state, {
          get: (state, name) => {
            asked.push(`state.${String(name)}`)
            const found: unknown = Reflect.get(state, name)
            return typeof found === 'function' ? found.bind(state) : found
          },
        }),
        connect: (operation) => {
          asked.push('connect')
          return database.connect(operation)
        },
        query: (sql, values, operation) => {
          asked.push(sql)
          return database.query(sql, values, operation)
        },
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    }
    await using migrator = migratorOn({ migrations: [base, loose()] }, counting)
    await migrator.ensure({ mode: 'apply' })
    asked.length = 0
    expect(await migrator.ensure({ mode: 'apply' })).toMatchObject({ status: 'nothing' })
    expect(asked).toEqual([expect.stringMatching(/^SELECT revision, status, checksum/)])
  })

  it('has migrations as one of its tasks', async () => {
    await using migrator = createMigrator({ connection: store().location, migrations: [base] })
    const start = () => onStartup({ state: memoryStateStore(), whenHeld: 'wait', tasks: [migrationTask({ migrator })] })
    expect(await start()).toMatchObject({
      finished: true,
      tasks: [{ name: 'schema', status: 'completed', worked: true, reason: 'applied 001' }],
    })
    expect(await start()).toMatchObject({ finished: true, tasks: [{ status: 'nothing', worked: false }] })
  })
})
