import { DroverError } from '@drover/core'
import type { ClusterMember, RedisConnection, Topology } from '../../connection/redis-connection.js'
import { isOwnKey, ownMark } from '../../state/own-keys.js'
import { KeyIndex, type KeyIndexOptions } from './key-index.js'
import { NodeScan } from './node-scan.js'
import { OwnKeys } from './own-keys-seen.js'
import type { ScanSettings } from './scan-settings.js'

/** After so many scans of a cluster whose slots moved meanwhile it is given up. */
const mostRounds = 5

const mark = Buffer.from(ownMark)

/** All keys of a pattern, as they were found. */
export interface FoundKeys extends AsyncDisposable {
  readonly index: KeyIndex
  /** Drover's own keys, which were left out. */
  readonly ownKeys: OwnKeys
  /** The servers that were scanned; null if which ones they are cannot be known. */
  readonly processes: ReadonlySet<string> | null
}

/**
 * Finds the keys of all servers. After an error of the connection the same call goes on with what is left to do.
 *
 * In a cluster keys move from server to server. Who gives keys away is scanned first, and whoever may get them after that, so that a key is
 * found in one place or in the other; and if the slots are not as they were when it is through, it looks at all again.
 */
export class IndexBuilding implements AsyncDisposable {
  readonly #index: KeyIndex
  readonly #ownKeys = new OwnKeys()
  /** What is left of this round, stage by stage. */
  #stages: NodeScan[][] = []
  /** Of the round. */
  #version: string | null = null
  #rounds = 0

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: ScanSettings & KeyIndexOptions,
  ) {
    this.#index = new KeyIndex(settings)
  }

  /** @throws DroverError */
  async run(signal: AbortSignal): Promise<FoundKeys> {
    for (;;) {
      const topology = await this.connection.topology('looking for keys')
      if (topology.version !== this.#version) this.#begin(topology)
      await this.#scan(topology, signal)
      if (
        !this.connection.isCluster ||
        (await this.connection.topology('looking for keys')).version === this.#version
      ) {
        await this.#index.finish()
        return {
          index: this.#index,
          ownKeys: this.#ownKeys,
          processes: processesOf(this.#stages.flat()),
          [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
        }
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#index[Symbol.asyncDispose]()
  }

  #begin({ version, nodes }: Topology): void {
    if (++this.#rounds > mostRounds) {
      this.#rounds = 0
      this.#version = null
      throw new DroverError(
        'STORE_UNAVAILABLE',
        `${this.connection.name}: slots of the cluster moved each of ${mostRounds} times that its keys were looked for, so some may have been missed. Call again when they have been moved.`,
        { isRetryable: true },
      )
    }
    this.#version = version
    this.#stages = stagesOf(nodes).map((stage) => stage.map(({ node }) => new NodeScan(node.name, this.settings)))
  }

  async #scan({ nodes }: Topology, signal: AbortSignal): Promise<void> {
    // What was scanned half may be connected to anew meanwhile.
    const byName = new Map(nodes.map(({ node }) => [node.name, node]))
    const take = (keys: readonly Buffer[]) => this.#take(keys)
    for (const stage of this.#stages) {
      const results = await Promise.allSettled(
        stage.map(async (scan) => {
          const node = byName.get(scan.name)
          if (node !== undefined && !scan.isDone) await scan.run(node, take, signal)
        }),
      )
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
  }

  #take(keys: readonly Buffer[]): Promise<void> | undefined {
    return this.#index.addMost(keys, mark, (key) => {
      const isOwn = isOwnKey(key)
      if (isOwn) this.#ownKeys.add(key)
      return isOwn
    })
  }
}

function processesOf(scans: readonly NodeScan[]): ReadonlySet<string> | null {
  const known = scans.map(({ process }) => process).filter((process) => process !== null)
  return known.length === scans.length ? new Set(known) : null
}

/** Who gives slots away goes before all who may get them. */
function stagesOf(nodes: readonly ClusterMember[]): (readonly ClusterMember[])[] {
  const givers = nodes.filter(({ leaving }) => leaving.length > 0)
  if (givers.length === 0) return [nodes]
  // Of several each may get slots of another.
  return [givers, givers.length === 1 ? nodes.filter((node) => !givers.includes(node)) : nodes]
}
