import { DroverError } from '@drover/core'
import type { Reply } from './raw-command.js'
import type { RedisConnection, ServerInfo, Topology } from './redis-connection.js'
import type { ResolvedLocation } from './redis-location.js'
import type { RedisNode } from './redis-node.js'

export class ClusterConnection implements RedisConnection {
  readonly isCluster = true
  readonly server: ServerInfo = { version: [7, 0, 0], hasJson: false }
  readonly name: string
  constructor(location: ResolvedLocation & { kind: 'cluster' }, _endsWith: AbortSignal | undefined) {
    this.name = location.name
  }
  async open(_signal: AbortSignal): Promise<void> {
    throw new DroverError('OPTION_INVALID', 'not yet')
  }
  nodeOf(_slot: number): RedisNode {
    throw new DroverError('OPTION_INVALID', 'not yet')
  }
  async topology(_doing: string): Promise<Topology> {
    throw new DroverError('OPTION_INVALID', 'not yet')
  }
  async pipeline(): Promise<Reply[]> {
    throw new DroverError('OPTION_INVALID', 'not yet')
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
