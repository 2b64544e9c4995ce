import { DroverError } from '@drover/core'
import type { Knex } from 'knex'
import type { SchemaChanges } from '../contracts/schema-changes.js'
import type { Steps } from '../contracts/steps.js'
import { boundKnex, createTableSql } from '../database/bound-knex.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { CalledSteps, callSaid } from '../steps/called-steps.js'
import { statementThrough } from '../steps/statement-through.js'
import { addColumn } from './add-column.js'
import { alterColumn } from './alter-column.js'
import { dropColumns } from './drop-columns.js'
import { helpers } from './helper-table.js'
import { refuseKeyless } from './helpers/dependents.js'
import { indexSql } from './index-sql.js'
import { tableSql } from './table-sql.js'
import { isSameName } from './tables.js'

/** Changes of the schema that go through `steps`. In a preview each step says which call it belongs to. */
export function schemaChanges(steps: Steps): SchemaChanges {
  if (!steps.isPreview) return changesBy(steps)
  let calls = 0
  return new Proxy(changesBy(steps), {
    get: (changes, name: keyof SchemaChanges) => {
      if (typeof changes[name] !== 'function') return changes[name]
      return (...given: readonly unknown[]): unknown => {
        const said = callSaid(++calls, name, given)
        const called = said === undefined ? changes : changesBy(new CalledSteps(steps, said))
        const change = called[name] as (...given: readonly unknown[]) => unknown
        return change(...given)
      }
    },
  })
}

function changesBy(steps: Steps): SchemaChanges {
  const { dialect } = steps
  const isPostgres = dialect === 'postgres'
  const table = (name: string): string => quoteTable(name, dialect)
  const run = async (by: string, sql: string, isOutside = false): Promise<void> => {
    await steps.run(sql, { by, ...(isOutside ? { isOutside } : {}) })
  }
  let bound: Knex | undefined
  const knex = (): Knex => {
    bound ??= boundKnex({ dialect, statement: (sql, values) => statementThrough(steps, sql, values) })
    return bound
  }
  return {
    async createTable(name, build) {
      if (typeof build !== 'function') return await run(`createTable ${name}`, tableSql(name, build, dialect))
      for (const { sql, values } of createTableSql(name, build, dialect)) await statementThrough(steps, sql, values)
    },
    async alterTable(name, build) {
      await knex().schema.alterTable(name, build)
    },
    async dropTable(name, { ifExists = false, cascade = false } = {}) {
      if (!isPostgres) await refuseReferred(steps, name, cascade)
      await run(
        `dropTable ${name}`,
        `DROP TABLE ${ifExists ? 'IF EXISTS ' : ''}${table(name)}${cascade && isPostgres ? ' CASCADE' : ''}`,
      )
    },
    renameTable: (from, to) =>
      run(`renameTable ${from}`, `ALTER TABLE ${table(from)} RENAME TO ${quoteName(bare(to, isPostgres))}`),
    addColumn: (of, name, definition) => addColumn(steps, of, name, definition),
    dropColumn: (of, ...names) => dropColumns(steps, of, names),
    renameColumn: (of, from, to) =>
      run(
        `renameColumn ${of}.${from}`,
        `ALTER TABLE ${table(of)} RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`,
      ),
    alterColumn: (of, name, to) => alterColumn(steps, of, name, to),
    createIndex: (of, index) => run(`createIndex ${index.name}`, indexSql(of, index, dialect)),
    async dropIndex(name, { ifExists = false, concurrently = false } = {}) {
      const isOutside = concurrently && isPostgres
      const words = `${isOutside ? 'CONCURRENTLY ' : ''}${ifExists ? 'IF EXISTS ' : ''}`
      const before = isPostgres ? null : await steps.catalog()
      await run(`dropIndex ${name}`, `DROP INDEX ${words}${table(name)}`, isOutside)
      const indexed = before?.tables.find((each) => each.indexes.some((index) => isSameName(dialect, index.name, name)))
      const now = indexed === undefined ? null : await steps.catalog()
      if (before !== null && indexed !== undefined && now !== null)
        refuseKeyless(`dropIndex ${name}`, before, now, indexed.name)
    },
    createView: (name, sql) => run(`createView ${name}`, `CREATE VIEW ${table(name)} AS ${sql}`),
    dropView: (name) => run(`dropView ${name}`, `DROP VIEW ${table(name)}`),
    async addCheck(of, name, expression) {
      const constraint = `CONSTRAINT ${quoteName(name)} CHECK (${expression})`
      if (!isPostgres) return helpers.rebuildTable(steps, of, { addConstraints: [constraint] })
      const by = `addCheck ${of}.${name}`
      await run(by, `ALTER TABLE ${table(of)} ADD ${constraint} NOT VALID`)
      await run(by, `ALTER TABLE ${table(of)} VALIDATE CONSTRAINT ${quoteName(name)}`)
    },
    async addUnique(of, name, columns) {
      const constraint = `CONSTRAINT ${quoteName(name)} UNIQUE`
      const keys = columns.map(quoteName).join(', ')
      if (!isPostgres) return helpers.rebuildTable(steps, of, { addConstraints: [`${constraint} (${keys})`] })
      const by = `addUnique ${of}.${name}`
      if (steps.isInTransaction) return run(by, `ALTER TABLE ${table(of)} ADD ${constraint} (${keys})`)
      await helpers.concurrentIndex(steps, of, { name, columns, unique: true })
      await run(by, `ALTER TABLE ${table(of)} ADD ${constraint} USING INDEX ${quoteName(name)}`)
    },
    async dropConstraint(of, name) {
      if (!isPostgres) return helpers.rebuildTable(steps, of, { dropConstraints: [name] })
      await run(`dropConstraint ${of}.${name}`, `ALTER TABLE ${table(of)} DROP CONSTRAINT ${quoteName(name)}`)
    },
    rebuildTable: (...given) => helpers.rebuildTable(steps, ...given),
    addJsonAttribute: (...given) => helpers.addJsonAttribute(steps, ...given),
    removeJsonAttribute: (...given) => helpers.removeJsonAttribute(steps, ...given),
    promoteJson: (...given) => helpers.promoteJson(steps, ...given),
    demoteJson: (...given) => helpers.demoteJson(steps, ...given),
    concurrentIndex: (...given) => helpers.concurrentIndex(steps, ...given),
    addNotNull: (...given) => helpers.addNotNull(steps, ...given),
    dropNotNull: (...given) => helpers.dropNotNull(steps, ...given),
    addForeignKey: (...given) => helpers.addForeignKey(steps, ...given),
    dropForeignKey: (...given) => helpers.dropForeignKey(steps, ...given),
    archiveTable: (...given) => helpers.archiveTable(steps, ...given),
    createEnum: (...given) => helpers.createEnum(steps, ...given),
    addEnumValue: (...given) => helpers.addEnumValue(steps, ...given),
    renameEnumValue: (...given) => helpers.renameEnumValue(steps, ...given),
    changeEnum: (...given) => helpers.changeEnum(steps, ...given),
    dropEnum: (...given) => helpers.dropEnum(steps, ...given),
    setRowVersion: (...given) => helpers.setRowVersion(steps, ...given),
  }
}

/** The new name of a table stays in its schema. */
function bare(name: string, isPostgres: boolean): string {
  return isPostgres ? name.slice(name.indexOf('.') + 1) : name
}

/** SQLite deletes a table's rows before it drops it, and with them those of tables that refer to it by ON DELETE CASCADE. PostgreSQL refuses. */
async function refuseReferred(steps: Steps, name: string, cascade: boolean): Promise<void> {
  if (cascade) {
    throw new DroverError(
      'OPTION_INVALID',
      `dropTable ${name}: SQLite cannot drop the foreign keys of other tables with it; call dropForeignKey for each, then dropTable without cascade.`,
    )
  }
  const catalog = await steps.catalog()
  const same = (table: string): boolean => table.toLowerCase() === name.toLowerCase()
  const referring = catalog?.tables.find((each) => !same(each.name) && each.foreignKeys.some((key) => same(key.table)))
  if (referring === undefined) return
  throw new DroverError(
    'UNSAFE_REFUSED',
    `dropTable ${name}: "${referring.name}" has a foreign key to it, and its rows could go with it. Call dropForeignKey, or drop "${referring.name}" first.`,
  )
}
