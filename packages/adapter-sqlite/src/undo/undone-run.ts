import { DroverError, isHolderGone, suggestNames } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { stateTables } from '../state/state-tables.js'
import { type ImageTables, versionOf } from './image-tables.js'

interface KeptRun {
  readonly run: string
  readonly isBegun: boolean
  readonly undoneAt: number | null
}

/**
 * The run that is to be undone: that id, or the newest run of that name, but before it one whose undo has begun and not ended.
 *
 * @throws `UNDO_IMPOSSIBLE` if there is none, it kept nothing, or it was undone; `RUN_HELD` if it is under way.
 */
export async function undoneRun(
  connection: SqliteConnection,
  tables: ImageTables,
  tablePrefix: string | undefined,
  wanted: string,
): Promise<string> {
  const impossible = (why: string): DroverError =>
    new DroverError('UNDO_IMPOSSIBLE', `"${connection.name}": "${wanted}" cannot be undone: ${why}`)
  if ((await versionOf(connection, tables)) === 0) {
    throw impossible('nothing here has kept before-images yet. A run does so whose sink or backfill has undo: true.')
  }
  const kept = (
    await connection.all(
      `SELECT run, max(begun_at) IS NOT NULL AS begun, max(undone_at) AS undone FROM ${tables.shapes} GROUP BY run`,
    )
  ).map(([run, begun, undone]): KeptRun => ({ run: String(run), isBegun: begun === 1, undoneAt: numberOf(undone) }))
  const imagesOf = (run: string): KeptRun | undefined => kept.find((one) => one.run === run)
  const { runs, partitions } = stateTables(tablePrefix)
  const named = (
    await connection.all(`SELECT run FROM ${runs} WHERE run = ? OR name = ? ORDER BY run = ? DESC, ordinal DESC`, [
      wanted,
      wanted,
      wanted,
    ])
  ).map(([run]) => String(run))
  const begun = named.find((run) => imagesOf(run)?.isBegun === true && imagesOf(run)?.undoneAt === null)
  const found = begun ?? named[0]
  const run = found ?? wanted
  const images = imagesOf(run)
  if (found === undefined && images === undefined) {
    const names = (await connection.all(`SELECT DISTINCT name FROM ${runs}`)).map(([name]) => String(name))
    throw impossible(`there is no run of that id or name${suggestNames(wanted, names)}`)
  }
  const holders = await connection.all(
    `SELECT holder FROM ${partitions} WHERE run = ? AND holder IS NOT NULL AND expires_at > ?`,
    [run, BigInt(Date.now())],
  )
  if (holders.some(([holder]) => !isHolderGone(String(holder)))) {
    throw new DroverError('RUN_HELD', `"${connection.name}": the run ${run} is under way. Stop it before it is undone.`)
  }
  if (images === undefined) {
    const earlier = named.filter((other) => imagesOf(other)?.undoneAt === null)
    const hint = earlier.length === 0 ? '' : ` Earlier runs of that name did: ${earlier.join(', ')}.`
    throw impossible(
      `its run ${run} kept no before-images. It had no undo: true, or changed nothing, or they were deleted after ${tables.days} days; an undo cannot be undone.${hint}`,
    )
  }
  if (images.undoneAt !== null) {
    throw impossible(`its run ${run} was undone already, at ${new Date(images.undoneAt).toISOString()}.`)
  }
  return run
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
