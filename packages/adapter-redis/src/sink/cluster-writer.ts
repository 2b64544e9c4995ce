import {
  type AckSession,
  type Batch,
  DroverError,
  type FidelityIssue,
  type Operation,
  type Outcome,
  type RecordSchema,
  type Row,
  type SinkAccount,
  type Source,
} from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { SinkTarget } from './sink-target.js'

/** TODO */
export class ClusterWriter implements AckSession<Row> {
  readonly readBack?: () => Source

  constructor(
    private readonly connection: RedisConnection,
    private readonly target: SinkTarget,
  ) {}

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.target.check(schema)
  }

  account(): SinkAccount | undefined {
    return undefined
  }

  async prepare(schema: RecordSchema): Promise<void> {
    this.target.prepare(schema)
  }

  async write(_batch: Batch<Row>, _operation: Operation): Promise<Outcome> {
    throw new DroverError('UNEXPECTED', 'not yet')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }
}
