import type { KeptImages, UpdatePlan } from '../backfill/update-plan.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { codeSql, hasUpdateTriggers, imageShape, keySql, rowSql, wholeRow } from './image-shape.js'
import type { Journal } from './journal.js'

/** What an update keeps: the columns that it may set; of a table with triggers, which may change any column, all of them. */
export async function keptImages(
  connection: PostgresConnection,
  { table, key, sets }: UpdatePlan,
  journal: Journal,
): Promise<() => KeptImages> {
  const hasTriggers = await hasUpdateTriggers(connection, table.oid)
  const shape = imageShape(table, key, hasTriggers ? wholeRow(table) : sets)
  return () => ({
    before: `${keySql(shape)} AS drover_key, ${rowSql(shape)} AS drover_image`,
    after: `drover_l.drover_key, drover_l.drover_image, ${codeSql(shape)} AS drover_after`,
    insert: (from) => journal.insertSql(shape, from),
  })
}
