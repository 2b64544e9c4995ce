import { checkOptionNames, checkText, DroverError, type Operation } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { statementKind } from '../sql/statement-kind.js'
import { statementsOf } from '../sql/tokens.js'

/**
 * Makes what a dump says in an empty database: all of it, or nothing.
 *
 * @param connection As `createMigrator` takes it. @default the variable DATABASE_URL
 * @throws `UNSAFE_REFUSED`: the database is not empty; `OPTION_INVALID`: the text ends a transaction
 *
 * @example
 * await load('new.db', (await dump('agent.db')).sql)
 */
export async function load(
  connection: SchemaLocation | undefined,
  sql: string,
  options: Partial<Operation> = {},
): Promise<void> {
  const where = 'load'
  checkText(where, 'sql', sql)
  checkOptionNames(where, options, ['signal'])
  const { signal = new AbortController().signal } = options
  await using database = await openDatabase(connection, { where })
  await using connected = await database.connect({ signal })
  await connected.begin({ foreignKeys: 'off' })
  try {
    const { tables, views, enums, sequences, others } = await readCatalog(
      (text, values) => connected.query(text, values),
      database.dialect,
    )
    const found = [
      tables,
      views,
      enums,
      sequences,
      others.filter(({ kind }) => kind !== 'extension' && kind !== 'schema'),
    ]
    const names = found.flatMap((list) => list.map(({ name }) => name))
    if (names.length > 0) {
      throw new DroverError(
        'UNSAFE_REFUSED',
        `${where}: ${database.name} is not empty: it has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}. Give an empty database.`,
      )
    }
    for (const statement of statementsOf(sql, database.dialect)) {
      if (statementKind(statement, database.dialect).kind === 'transaction')
        throw new DroverError('OPTION_INVALID', `${where}: all of it runs in one transaction; leave ${statement} out.`)
      await connected.exec(statement)
    }
    await connected.commit()
  } finally {
    await connected.rollback()
  }
}
