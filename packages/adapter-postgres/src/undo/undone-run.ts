import { DroverError, isHolderGone, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { StateTables } from '../state/state-tables.js'
import { type ImageTable, versionOf } from './image-table.js'

interface KeptRun {
  readonly run: string
  readonly begun: boolean
  readonly undoneAt: string | null
}

interface NamedRun {
  readonly run: string
  readonly name: string
  readonly holders: readonly string[]
}

/**
 * The run that is to be undone: that id, or the newest run of that name, but before it one whose undo has begun and not ended.
 *
 * @throws `UNDO_IMPOSSIBLE` if there is none, it kept nothing, or it was undone; `RUN_HELD` if it is under way.
 */
export async function undoneRun(
  connection: PostgresConnection,
  { runs, partitions }: StateTables,
  table: ImageTable,
  wanted: string,
): Promise<string> {
  const impossible = (why: string): DroverError =>
    new DroverError('UNDO_IMPOSSIBLE', `${connection.name}: "${wanted}" cannot be undone: ${why}`)
  if ((await versionOf(connection, table)) === 0) {
    throw impossible(`nothing here has kept before-images yet. A run does so whose sink or backfill has undo: true.`)
  }
  const { rows: kept } = await connection.query<KeptRun>(
    `SELECT run, bool_or(begun_at IS NOT NULL) AS begun, to_char(max(undone_at), 'YYYY-MM-DD HH24:MI:SS TZH:TZM') AS "undoneAt"
     FROM ${table.images} GROUP BY run ORDER BY max(ordinal) DESC`,
  )
  const { rows: named } = await connection.query<NamedRun>(
    `SELECT r.run, r.name, (SELECT coalesce(json_agg(p.holder), '[]') FROM ${partitions} AS p
       WHERE p.run = r.run AND p.holder IS NOT NULL AND p.expires_at > clock_timestamp()) AS holders
     FROM ${runs} AS r WHERE r.run = $1 OR r.name = $1 ORDER BY r.run = $1 DESC, r.ordinal DESC`,
    [wanted],
  )
  const imagesOf = (run: string): KeptRun | undefined => kept.find((one) => one.run === run)
  const begun = named.find(({ run }) => imagesOf(run)?.begun === true && imagesOf(run)?.undoneAt === null)
  const found = begun ?? named[0]
  const run = found?.run ?? wanted
  const images = imagesOf(run)
  if (found === undefined && images === undefined) {
    const { rows } = await connection.query<{ name: string }>(`SELECT DISTINCT name FROM ${runs}`)
    const names = rows.map(({ name }) => name)
    throw impossible(`there is no run of that id or name${suggestNames(wanted, names)}`)
  }
  if (found?.holders.some((holder) => !isHolderGone(holder)) === true) {
    throw new DroverError('RUN_HELD', `${connection.name}: the run ${run} is under way. Stop it before it is undone.`)
  }
  if (images === undefined) {
    const earlier = named.filter((other) => imagesOf(other.run)?.undoneAt === null).map((other) => other.run)
    const hint = earlier.length === 0 ? '' : ` Earlier runs of that name did: ${earlier.join(', ')}.`
    throw impossible(
      `its run ${run} kept no before-images. It had no undo: true, or changed nothing, or they were deleted after ${table.days} days; an undo cannot be undone.${hint}`,
    )
  }
  if (images.undoneAt !== null) throw impossible(`its run ${run} was undone already, at ${images.undoneAt}.`)
  return run
}
