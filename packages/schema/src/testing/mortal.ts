import { DroverError } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import type { MigrationContext } from '../contracts/migration-context.js'
import { isMigration } from '../migration/is-migration.js'

/** The revisions, each call of which counts, and the one of that number kills this process. */
export function mortal(
  given: unknown,
  killAt: number,
): { readonly migrations: Migration[]; readonly calls: () => number } {
  if (!Array.isArray(given) || !given.every(isMigration)) {
    throw new DroverError('OPTION_INVALID', 'checkKills: the default export of module is the list of revisions.')
  }
  let count = 0
  const call = (): void => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL')
  }
  const migrations = given.map(
    (migration: Migration): Migration => ({
      ...migration,
      up: async (context) => {
        if (context.isPreview) return await migration.up(context)
        call()
        await migration.up(counted(context, call))
        // With all of it done, and nothing of it committed.
        call()
      },
    }),
  )
  return { migrations, calls: () => count }
}

function counted(context: MigrationContext, call: () => void): MigrationContext {
  const schema = new Proxy(context.schema, {
    get: (target, name, receiver) => {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function') return method
      return (...given: unknown[]): unknown => {
        call()
        return method.apply(target, given)
      }
    },
  })
  const knex = new Proxy(context.knex, {
    apply: (target, _, given) => {
      call()
      return Reflect.apply(target, undefined, given)
    },
  })
  return {
    dialect: context.dialect,
    signal: context.signal,
    isPreview: context.isPreview,
    schema,
    knex,
    sql: (text, values) => {
      call()
      return context.sql(text, values)
    },
    backfill: (backfill) => {
      call()
      return context.backfill(backfill)
    },
    note: (sentence) => context.note(sentence),
  }
}
