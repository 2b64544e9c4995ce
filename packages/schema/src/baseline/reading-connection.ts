import type { Operation } from '@drover/core'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'

/** A connection on which nothing can be written. One statement may take `timeoutMs`; SQLite knows no such limit. */
export async function onReadingConnection<T>(
  database: SchemaDatabase,
  timeoutMs: number,
  operation: Operation,
  work: (connection: SchemaConnection) => Promise<T>,
): Promise<T> {
  await using connection = await database.connect(operation)
  if (connection.dialect === 'sqlite') {
    await connection.exec('PRAGMA query_only = ON')
    try {
      return await work(connection)
    } finally {
      await connection.exec('PRAGMA query_only = OFF')
    }
  }
  await connection.begin({ statementTimeoutMs: timeoutMs })
  await connection.exec('SET TRANSACTION READ ONLY')
  return await work(connection)
}
