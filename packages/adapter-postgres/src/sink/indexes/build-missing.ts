import { DroverError, type Operation, type SinkOperation } from '@drover/core'
import type { PostgresDatabase } from '../../connection/open-postgres.js'
import type { PostgresConnection } from '../../connection/postgres-connection.js'
import type { IndexStore, StoredIndex } from './index-store.js'
import { standingIndex } from './secondary-index.js'

export interface BuildOptions {
  readonly store: IndexStore
  /** The table, as SQL names it. */
  readonly target: string
  /** For messages. */
  readonly where: string
  readonly warn: SinkOperation['warn']
  /** How long to wait for the table; 0 is without end. @default 5 seconds */
  readonly lockTimeoutMs: number | undefined
}

/** Whoever wants to write to the table waits behind the CREATE INDEX that waits for it. */
const longestWaitMs = 5_000

/**
 * Builds the indexes of a table that are off; gives their names. Each is a transaction that forgets it too, so whoever is killed has lost
 * nothing, and several processes share the work. One that cannot be built does not keep the others from it.
 *
 * @throws `SINK_NOT_READY` with those that cannot be built; `STORE_BUSY` if somebody who writes to the table keeps it for longer than is
 * waited; what the server says if it is full or gone.
 */
export async function buildMissing(
  database: PostgresDatabase,
  options: BuildOptions,
  { signal }: Operation,
): Promise<readonly string[]> {
  const built: string[] = []
  const failed: { readonly index: StoredIndex; readonly error: DroverError }[] = []
  await using connection = await database.connect({ signal })
  for (let last = -1; ; ) {
    // An index takes as long as it takes, that of another process too.
    await connection.begin({ statementTimeoutMs: 0, lockTimeoutMs: 0 })
    await options.store.lock(connection, options.target)
    const index = await options.store.next(connection, options.target, last)
    if (index === undefined) break
    last = index.ordinal
    try {
      if (await build(connection, index, options)) built.push(index.name)
    } catch (error) {
      if (!isItsOwn(error)) throw error
      failed.push({ index, error })
      await connection.rollback()
    }
  }
  await connection.rollback()
  const [first] = failed
  if (first === undefined) return built
  const names = failed.map(({ index }) => index.name).join(', ')
  throw new DroverError(
    'SINK_NOT_READY',
    `${options.where}: all records are written, but ${failed.length} of its indexes cannot be built again (${names}): ${first.error.message} Mend what it says and run again, or give the index up by deleting its row: ${options.store.forget(first.index)}`,
    { cause: first.error },
  )
}

/** False if it is there already. */
async function build(connection: PostgresConnection, index: StoredIndex, options: BuildOptions): Promise<boolean> {
  const { store, where, warn, lockTimeoutMs = longestWaitMs } = options
  const wait = `SET LOCAL lock_timeout = ${lockTimeoutMs}`
  const doing = `building index ${index.name} of ${where}`
  if (!index.hasTable) {
    await connection.commit(store.forget(index), { doing })
    warn?.({ code: 'INDEXES', message: `${where}: the partition of ${index.name} is gone, and the index with it.` })
    return false
  }
  const standing = await standingIndex(connection, index.name)
  if (standing !== undefined && (standing.isValid || standing.definition !== index.definition)) {
    await connection.commit(store.forget(index), { doing })
    if (standing.definition !== index.definition) {
      const message = `${where}: ${index.name} is there again with another definition than the one that it had, and is left as it is. It was: ${index.definition}`
      warn?.({ code: 'INDEXES', message })
    }
    return false
  }
  if (standing !== undefined) await connection.exec(`${wait}; DROP INDEX ${index.name}`, { doing })
  // With the COMMIT in one message: a process that is stopped here holds nothing that others wait for.
  await connection.commit(`${wait};\n${index.restore};\n${store.forget(index)}`, { doing })
  return true
}

/** The rows, or what the index is made of, are to blame; not the server, which another attempt may find in better shape. */
function isItsOwn(error: unknown): error is DroverError {
  return DroverError.isInstance(error, 'RECORD_REFUSED', 'NAME_UNKNOWN', 'SOURCE_NOT_FOUND', 'UNEXPECTED')
}
