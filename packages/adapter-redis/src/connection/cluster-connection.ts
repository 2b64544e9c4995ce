import { setTimeout as wait } from 'node:timers/promises'
import { DroverError } from '@drover/core'
import { answerCode, isAnswer, redisError } from '../errors/redis-error.js'
import { findSeeds } from './cluster-seeds.js'
import { parseOwnSlots, parseRedirect, parseSlots, type SlotTable } from './cluster-slots.js'
import { keySlot, slots } from './key-slot.js'
import type { Reply } from './raw-command.js'
import type { ClusterMember, KeyedCommand, RedisConnection, ServerInfo, Topology } from './redis-connection.js'
import { type Address, addressName, type ResolvedLocation } from './redis-location.js'
import { type CommandLine, RedisNode } from './redis-node.js'
import { greetLoaded, oldestOf } from './server-info.js'

/** As ioredis' `Cluster` has it. */
const defaultRedirections = 16
/** A slot that has moved is found at once; one that two nodes send back and forth needs the time in which they hear of each other. */
const patientRounds = 3
const longestPauseMs = 200
/** How long a cluster may need until its nodes agree who has which slots. */
const settlingMs = 5000

/** A command on its way. */
interface Sending extends KeyedCommand {
  readonly place: number
  /** Where it was sent on to by `ASK`: for this once. */
  readonly askAt?: RedisNode
}

/** Connections to the masters of a cluster, and who of them has which slots, as far as known. */
export class ClusterConnection implements RedisConnection {
  readonly isCluster = true
  readonly name: string
  #server: ServerInfo | undefined
  readonly #nodes = new Map<string, Promise<RedisNode>>()
  #owners: (RedisNode | undefined)[] = []
  #masters: readonly RedisNode[] = []
  /** Something failed since the slots were asked for: they may have other owners now. */
  #isStale = true
  #refreshing: Promise<void> | undefined
  #isClosed = false
  readonly #closing = new AbortController()

  constructor(
    private readonly location: ResolvedLocation & { kind: 'cluster' },
    private readonly endsWith: AbortSignal | undefined,
  ) {
    this.name = location.name
  }

  /** Connects to all masters. @throws DroverError */
  async open(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#closing.abort(signal.reason)
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) onAbort()
      await this.#refresh()
      this.#server = oldestOf(await Promise.all(this.#masters.map((node) => greetLoaded(node, signal))))
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  get server(): ServerInfo {
    if (this.#server === undefined) throw new DroverError('CONTRACT_BROKEN', `${this.name} is not open yet.`)
    return this.#server
  }

  nodeOf(slot: number): RedisNode {
    const node = this.#owners[slot]
    if (node === undefined) throw this.#unserved(slot)
    return node
  }

  async topology(doing: string): Promise<Topology> {
    const until = performance.now() + settlingMs
    for (;;) {
      await this.#refresh()
      const settled = await this.#settled(doing)
      if (settled !== undefined) return settled
      if (performance.now() > until) {
        throw new DroverError(
          'STORE_BUSY',
          `${this.name}: the nodes of the cluster do not agree who has which slots: see CLUSTER NODES of each.`,
          { isRetryable: true },
        )
      }
      await wait(20)
    }
  }

  async pipeline(doing: string, commands: readonly KeyedCommand[]): Promise<Reply[]> {
    if (this.#isStale) await this.#refresh()
    const replies: Reply[] = new Array(commands.length).fill(null)
    let sendings: readonly Sending[] = commands.map((command, place) => ({ ...command, place }))
    const most = this.location.options.maxRedirections ?? defaultRedirections
    for (let round = 0; sendings.length > 0; round++) {
      const answered = await this.#send(doing, sendings)
      sendings = await this.#followed(answered, replies, round >= most)
      const isPassed = answered.every(({ reply }) => !isAnswer(reply) || !isPassing(reply))
      if (sendings.length > 0 && (!isPassed || round >= patientRounds)) {
        await wait(Math.min(10 * 2 ** round, longestPauseMs))
        await this.#refresh()
      }
    }
    return replies
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#closing.abort(new DroverError('ABORTED', `The connection to ${this.name} was closed.`))
    const opened = await Promise.allSettled(this.#nodes.values())
    for (const node of opened) if (node.status === 'fulfilled') node.value.close()
    this.#nodes.clear()
  }

  /** Sends each command to the node that has its slot, all nodes at the same time. */
  async #send(
    doing: string,
    sendings: readonly Sending[],
  ): Promise<readonly { readonly sending: Sending; readonly node: RedisNode; readonly reply: Reply }[]> {
    const byNode = new Map<RedisNode, Sending[]>()
    for (const sending of sendings) {
      const node = sending.askAt ?? this.nodeOf(keySlot(sending.key))
      const there = byNode.get(node)
      if (there) there.push(sending)
      else byNode.set(node, [sending])
    }
    const answered = await Promise.all(
      [...byNode].map(async ([node, there]) => {
        const lines = there.flatMap(({ askAt, command }): CommandLine[] => (askAt ? [['ASKING'], command] : [command]))
        const got = await node.pipeline(doing, lines)
        let at = 0
        return there.map((sending) => {
          if (sending.askAt) at++
          return { sending, node, reply: got[at++] ?? null }
        })
      }),
    )
    return answered.flat()
  }

  /** Keeps the answers that are final, and gives what is to be sent again. */
  async #followed(
    answered: readonly { readonly sending: Sending; readonly node: RedisNode; readonly reply: Reply }[],
    replies: Reply[],
    isEnough: boolean,
  ): Promise<readonly Sending[]> {
    const again: Sending[] = []
    for (const { sending, node, reply } of answered) {
      const { key, command, place } = sending
      replies[place] = reply
      if (!isAnswer(reply)) continue
      const redirect = parseRedirect(reply.message, addressOf(node), this.location.options.natMap)
      if (redirect === undefined && !isPassing(reply)) continue
      this.#isStale = true
      if (isEnough) {
        replies[place] = redisError(reply, `following the slot of a key on ${this.name}`, { isCluster: true })
        continue
      }
      if (redirect === undefined) {
        again.push({ key, command, place })
      } else {
        const to = await this.#node(redirect.to)
        if (answerCode(reply) === 'ASK') again.push({ key, command, place, askAt: to })
        else {
          this.#owners[redirect.slot] = to
          again.push({ key, command, place })
        }
      }
    }
    // In the order in which they came: two may be about one key.
    return again.sort((a, b) => a.place - b.place)
  }

  /** Asks who has which slots. Who comes while it is asked waits for the same answer. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#askForSlots().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #askForSlots(): Promise<void> {
    const { table } = await this.#firstTable()
    const addresses = new Map(table.ranges.map(({ master }) => [addressName(master), master]))
    const masters = new Map(
      await Promise.all([...addresses].map(async ([name, address]) => [name, await this.#node(address)] as const)),
    )
    const owners: (RedisNode | undefined)[] = new Array(slots).fill(undefined)
    for (const { slots: range, master } of table.ranges) {
      owners.fill(masters.get(addressName(master)), range[0], range[1] + 1)
    }
    this.#owners = owners
    this.#masters = [...masters.values()]
    this.#isStale = false
    await this.#closeLost(masters)
  }

  /** What the first node says that answers. */
  async #firstTable(): Promise<{ readonly table: SlotTable }> {
    const known = this.#masters.map(addressOf)
    const seeds = known.length === 0 || this.#isStale ? await findSeeds(this.location) : []
    const all = new Map([...known, ...seeds].map((address) => [addressName(address), address]))
    const asked = [...all.values()].map(async (address) => {
      const node = await this.#node(address)
      const reply = await node.call('asking for the slots', 'CLUSTER', 'SLOTS')
      const table = parseSlots(reply, address, this.location.options.natMap)
      if (table.ranges.length > 0) return { table }
      throw new DroverError('STORE_UNAVAILABLE', `${node.name} is a node of a cluster that has no slots yet.`, {
        isRetryable: true,
      })
    })
    try {
      return await Promise.any(asked)
    } catch (error) {
      throw error instanceof AggregateError ? worstOf(error.errors) : error
    }
  }

  /** The connection to a node; made, if there is none yet. */
  #node(address: Address): Promise<RedisNode> {
    const name = addressName(address)
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const { host, port } = address
    const options = { ...this.location.options.redisOptions, host, port, db: 0 }
    const opening = RedisNode.open(
      { name, options, isCluster: true, endsWith: this.endsWith, onFailure: () => this.#onFailure() },
      this.#closing.signal,
    )
    this.#nodes.set(name, opening)
    opening.catch(() => this.#nodes.delete(name))
    return opening
  }

  /** For those that send to a node themselves, and try again: by then it should be known who has the slot. */
  #onFailure(): void {
    this.#isStale = true
    if (this.#isClosed || this.endsWith?.aborted) return
    // If it fails, so does the next who asks, and says so.
    this.#refresh().catch(() => {})
  }

  /** Those that answered once and do not any more; of the others something may still be on its way. */
  async #closeLost(masters: ReadonlyMap<string, RedisNode>): Promise<void> {
    for (const [name, opening] of [...this.#nodes]) {
      if (masters.has(name)) continue
      const node = await opening.catch(() => undefined)
      if (node?.isUsable !== false) continue
      this.#nodes.delete(name)
      node.close()
    }
  }

  /** What the masters say of themselves, if it fits together. */
  async #settled(doing: string): Promise<Topology | undefined> {
    const told = await Promise.all(
      this.#masters.map(async (node) => ({ node, own: parseOwnSlots(await node.call(doing, 'CLUSTER', 'NODES')) })),
    )
    const members: ClusterMember[] = []
    const owned = new Set<number>()
    let count = 0
    for (const { node, own } of told) {
      if (own === undefined) return undefined
      members.push({ node, slots: own.slots, leaving: own.leaving })
      for (const [from, to] of own.slots) for (let slot = from; slot <= to; slot++, count++) owned.add(slot)
    }
    const served = this.#owners.reduce((sum, owner) => sum + (owner === undefined ? 0 : 1), 0)
    if (count !== owned.size || count !== served) return undefined
    return { nodes: members, version: JSON.stringify(told.map(({ own }) => own).sort((a, b) => compare(a?.id, b?.id))) }
  }

  #unserved(slot: number): DroverError {
    return new DroverError('STORE_UNAVAILABLE', `${this.name}: no node of the cluster has slot ${slot}.`, {
      isRetryable: true,
    })
  }
}

/** Something that the cluster says while it changes. */
function isPassing(answer: Error): boolean {
  return ['TRYAGAIN', 'CLUSTERDOWN'].includes(answerCode(answer))
}

/** A refusal says more than that another node could not be reached. */
function worstOf(errors: readonly unknown[]): unknown {
  return errors.find((error) => DroverError.isInstance(error) && !error.isRetryable) ?? errors[0]
}

function addressOf({ client }: RedisNode): Address {
  const { host = 'localhost', port = 6379 } = client.options
  return { host, port }
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}
