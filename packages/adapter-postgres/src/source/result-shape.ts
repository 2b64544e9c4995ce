import { DroverError } from '@drover/core'
import type { FieldDef } from 'pg'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { type Relation, type ResultColumn, selected } from './relation.js'

/**
 * What PostgreSQL says that the columns are. In a transaction nobody can alter the table from then on, because the statement
 * has locked it as every SELECT does.
 */
export async function readShape(
  connection: PostgresConnection,
  { sql, reads, isWhole, shown }: Pick<Relation, 'sql' | 'reads' | 'isWhole' | 'shown'>,
): Promise<readonly ResultColumn[]> {
  const columns = isWhole ? '*' : reads.map(selected).join(', ')
  // The extended protocol takes one statement and no more.
  const config = { text: `SELECT ${columns} FROM ${sql} AS d LIMIT 0`, queryMode: 'extended' }
  const fields = await connection.run(`looking at ${shown}`, async (client): Promise<readonly FieldDef[]> => {
    const result = await client.query(config as { text: string })
    return result.fields
  })
  return fields.map(({ name, dataTypeID, dataTypeModifier }) => ({
    name,
    type: dataTypeID,
    modifier: dataTypeModifier,
  }))
}

/**
 * Refuses to go on with columns that are not what they were when the session began: values would be taken for something else.
 *
 * @throws `SOURCE_INVALID`
 */
export async function refuseAltered(
  connection: PostgresConnection,
  relation: Relation,
  newColumns: 'fail' | 'ignore',
): Promise<void> {
  const { shown, shape } = relation
  const now = await readShape(connection, relation)
  for (const [i, column] of shape.entries()) {
    const current = relation.isWhole ? now.find(({ name }) => name === column.name) : now[i]
    if (current === undefined) throw altered(shown, `the column "${column.name}" is gone`)
    if (current.type !== column.type || current.modifier !== column.modifier) {
      throw altered(shown, `the column "${column.name}" has another type`)
    }
  }
  if (newColumns === 'ignore') return
  const added = now.find(({ name }) => !shape.some((column) => column.name === name))
  if (added === undefined) return
  throw altered(shown, `there is a column "${added.name}" more`, ", or leave it out with newColumns: 'ignore'")
}

function altered(shown: string, what: string, otherwise = ''): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${shown} was altered while it was read: ${what}. What was committed stays; call again to go on with the columns as they are now${otherwise}.`,
  )
}
