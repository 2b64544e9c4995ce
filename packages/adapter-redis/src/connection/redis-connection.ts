import type { Reply } from './raw-command.js'
import type { CommandLine, RedisNode } from './redis-node.js'

/** Who owns which slots. */
export interface Topology {
  readonly nodes: readonly ClusterMember[]
  /** Equal as long as no slot moves, and none begins or ends to. */
  readonly version: string
}

/** One server that is written to: the only one there is, or one of a cluster's masters. */
export interface ClusterMember {
  readonly node: RedisNode
  /** Inclusive ranges; of a single server `[[0, 16383]]`. */
  readonly slots: readonly (readonly [from: number, to: number])[]
  /** Slots on their way to another node: keys may be here or there, and only go there. */
  readonly leaving: readonly number[]
}

/** What a server says of itself. */
export interface ServerInfo {
  /** `7.0.15` is [7, 0, 15]. Of Valkey the version of Redis that it says it is compatible with. */
  readonly version: readonly number[]
  /** Whether it, or one of its modules, knows `JSON.GET`. */
  readonly hasJson: boolean
}

/** What Drover holds of a server or cluster; disposing of it closes the connections. */
export interface RedisConnection extends AsyncDisposable {
  /** As messages and names of runs show it, without user and password: `cache.example.org:6379/0`. */
  readonly name: string
  readonly isCluster: boolean
  readonly server: ServerInfo
  /** The only server; of a cluster the master of the slot, as far as known. */
  nodeOf(slot: number): RedisNode
  /** Asks a cluster anew. */
  topology(doing: string): Promise<Topology>
  /**
   * Sends each command to the node of its first key, follows a slot that has moved or is moving, and gives the answers in the order of the
   * commands; an answer may be the server's error.
   */
  pipeline(doing: string, commands: readonly KeyedCommand[]): Promise<Reply[]>
}

/** A command, and the key by which it is known where it goes: the first of its keys. */
export interface KeyedCommand {
  readonly key: Uint8Array
  readonly command: CommandLine
}
