import { randomUUID } from 'node:crypto'

interface Asking {
  query(sql: string): Promise<unknown>
}

/** A schema of a test's own in a database that several tests share: far quicker than a database. */
export class TestSchema implements AsyncDisposable {
  private constructor(
    readonly name: string,
    private readonly database: Asking,
  ) {}

  static async create(database: Asking): Promise<TestSchema> {
    const name = `test_${randomUUID().replaceAll('-', '')}`
    await database.query(`CREATE SCHEMA ${name}`)
    return new TestSchema(name, database)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.query(`DROP SCHEMA ${this.name} CASCADE`)
  }
}
