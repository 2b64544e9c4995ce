import type { PostgresConnection } from '../connection/postgres-connection.js'

/** The transaction that a backfiller written by hand writes through: pg's own `query`, on the connection that is in it. */
export interface PostgresTransaction {
  query<R = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: R[]; readonly rowCount: number | null }>
}

/** What `transaction` of a knex instance gives to its work. */
export type KnexTransaction<K> = K extends { transaction(work: (tx: infer Tx) => Promise<unknown>): unknown }
  ? Tx
  : never

/** knex, as far as transactions go. */
interface Transacting {
  transaction<T>(work: (tx: unknown) => Promise<T>, config: object): Promise<T>
}

/** Runs `work` in a transaction of knex on this connection. What it throws rolls back, and comes out as it is. */
export async function knexTransaction<T>(
  connection: PostgresConnection,
  knex: unknown,
  work: (tx: unknown) => Promise<T>,
): Promise<T> {
  let failure: { readonly error: unknown } | undefined
  const config = (client: unknown): object => ({ connection: client, doNotRejectOnRollback: false })
  try {
    return await connection.run(`writing to ${connection.name}`, (client) =>
      (knex as Transacting).transaction(async (tx) => {
        try {
          return await work(tx)
        } catch (error) {
          failure = { error }
          throw error
        }
      }, config(client)),
    )
  } catch (error) {
    throw failure === undefined ? error : failure.error
  }
}
