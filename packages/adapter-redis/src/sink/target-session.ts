import type { FidelityIssue, RecordSchema, SinkAccount, Source } from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import { CommandRights } from './command-rights.js'
import type { Evictions } from './evictions.js'
import type { SinkTarget } from './sink-target.js'

/** What sessions have in common, whether they write exactly once or all over a cluster. */
export abstract class TargetSession implements AsyncDisposable {
  readonly readBack?: () => Source
  protected readonly rights: CommandRights
  /** Records whose time was over before they were written. */
  protected lapsed = 0

  constructor(
    protected readonly connection: RedisConnection,
    protected readonly target: SinkTarget,
    private readonly evictions: Evictions,
  ) {
    this.rights = new CommandRights(connection, target.where)
    const { readBack } = target
    if (readBack !== undefined) this.readBack = () => readBack.call(target)
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.target.check(schema)
  }

  account(): SinkAccount | undefined {
    return this.target.account(this.lapsed, this.evictions)
  }

  async prepare(schema: RecordSchema): Promise<void> {
    this.target.prepare(schema)
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    if (outcome !== 'failed') await this.evictions.look()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }
}
