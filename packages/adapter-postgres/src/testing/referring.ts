import pg from 'pg'

/** Somebody who has written a row that refers to another one, and has not committed yet. */
export class Referring implements AsyncDisposable {
  private constructor(
    private readonly client: pg.Client,
    private readonly others: { query(sql: string): Promise<readonly object[]> },
    private readonly pid: number,
  ) {}

  static async begin(
    database: { readonly url: string; query(sql: string): Promise<readonly object[]> },
    insert: string,
  ): Promise<Referring> {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
    await client.query(`BEGIN; ${insert}`)
    return new Referring(client, database, Number(rows[0]?.pid))
  }

  /** Waits until somebody waits for it. */
  async commitOnceBlocking(): Promise<void> {
    const sql = `SELECT FROM pg_stat_activity WHERE ${this.pid} = ANY (pg_blocking_pids(pid))`
    while ((await this.others.query(sql)).length === 0);
    await this.commit()
  }

  async commit(): Promise<void> {
    await this.client.query('COMMIT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end()
  }
}
