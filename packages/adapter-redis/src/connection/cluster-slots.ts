import type { ClusterOptions } from 'ioredis'
import type { Reply } from './raw-command.js'
import type { Address } from './redis-location.js'
import { fieldsOf, textOf } from './server-info.js'

/** Inclusive. */
export type SlotRange = readonly [from: number, to: number]

/** What one node says of who has which slots: the masters, as they are reached from here. */
export interface SlotTable {
  readonly ranges: readonly { readonly slots: SlotRange; readonly master: Address }[]
}

/** What a node says of itself. */
export interface OwnSlots {
  readonly id: string
  readonly slots: readonly SlotRange[]
  readonly leaving: readonly number[]
  readonly arriving: readonly number[]
}

type NatMap = ClusterOptions['natMap']

/** The answer to `CLUSTER SLOTS`. @param asked Of whom, in whose place a node stands that does not know its own address. */
export function parseSlots(reply: Reply, asked: Address, natMap: NatMap): SlotTable {
  const ranges = (Array.isArray(reply) ? reply : []).flatMap((range) => {
    const [from, to, master] = Array.isArray(range) ? range : []
    if (typeof from !== 'number' || typeof to !== 'number' || !Array.isArray(master)) return []
    const [host, port, , more] = master
    // Where hostnames are preferred and this one is not known, the address stands behind.
    const named = textOf(host) === '?' ? textOf(fieldsOf(more).get('ip')) : textOf(host)
    return [{ slots: [from, to] as const, master: reached({ host: named || asked.host, port: Number(port) }, natMap) }]
  })
  return { ranges }
}

/** The line of the answer to `CLUSTER NODES` that is about the node itself; undefined if it is no master. */
export function parseOwnSlots(reply: Reply): OwnSlots | undefined {
  const line = (textOf(reply) ?? '').split('\n').find((each) => /\bmyself\b/.test(each))
  const [id = '', , flags = '', ...rest] = line?.split(' ') ?? []
  if (!flags.split(',').includes('master')) return undefined
  // https://redis.io/docs/latest/commands/cluster-nodes/: five more fields, then slots.
  const words = rest.slice(5)
  const open = (arrow: string): number[] =>
    words.flatMap((word) => (word.includes(arrow) ? [Number(/\d+/.exec(word)?.[0])] : []))
  const slots = words.flatMap((word): SlotRange[] => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(word) ?? []
    return from === undefined ? [] : [[Number(from), Number(to)]]
  })
  return { id, slots, leaving: open('->-'), arriving: open('-<-') }
}

/** Where `MOVED 3999 127.0.0.1:6381` and `ASK …` send to. */
export function parseRedirect(
  message: string,
  asked: Address,
  natMap: NatMap,
): { slot: number; to: Address } | undefined {
  const [, slot, host, port] = /^(?:MOVED|ASK) (\d+) (.*):(\d+)/.exec(message) ?? []
  if (slot === undefined) return undefined
  return { slot: Number(slot), to: reached({ host: host || asked.host, port: Number(port) }, natMap) }
}

function reached(address: Address, natMap: NatMap): Address {
  const key = `${address.host}:${address.port}`
  const mapped = typeof natMap === 'function' ? natMap(key) : natMap?.[key]
  return mapped ?? address
}
