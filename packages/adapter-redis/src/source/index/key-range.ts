import { DroverError, type JsonValue, type Partition } from '@drover/core'
import { slots as allSlots } from '../../connection/key-slot.js'
import { cursorOf, keyAt } from './key-cursor.js'

/** A part of all keys. All of its numbers are inclusive. */
export interface KeyRange {
  /** Slots of a cluster, ascending; null is all of them, as it is on a single server. */
  readonly slots: readonly (readonly [from: number, to: number])[] | null
  readonly hashes: readonly [from: number, to: number]
  /** Only keys that come behind this one. */
  readonly after: Uint8Array | null
}

export const highestHash = 0xffffffff

export const allKeys: KeyRange = { slots: null, hashes: [0, highestHash], after: null }

/** What is stored with a run. */
export function boundsOf({ slots, hashes, after }: KeyRange): JsonValue {
  return { hashes, ...(slots !== null && { slots }), ...(after !== null && { after: cursorOf(after) }) }
}

/**
 * The keys of a partition.
 *
 * @throws `STATE_INVALID`
 */
export function rangeOf({ id, bounds }: Partition): KeyRange {
  if (bounds === null) return allKeys
  const { hashes, slots = null, after = null } = bounds as { readonly [name: string]: JsonValue }
  if (!isPair(hashes, highestHash) || !(slots === null || (Array.isArray(slots) && slots.every(isSlots)))) {
    throw new DroverError(
      'STATE_INVALID',
      `The stored bounds of partition "${id}" are none of keys of Redis: ${JSON.stringify(bounds).slice(0, 100)}. They belong to something else, or were changed; begin a new run.`,
    )
  }
  return { hashes, slots, after: after === null ? null : keyAt(after) }
}

function isSlots(value: unknown): value is readonly [number, number] {
  return isPair(value, allSlots - 1)
}

function isPair(value: unknown, most: number): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [from, to] = value
  return Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= most
}

/** Whether both may have a key in common; `after` is left aside. */
export function overlap(one: KeyRange, other: KeyRange): boolean {
  if (one.hashes[1] < other.hashes[0] || other.hashes[1] < one.hashes[0]) return false
  const [mine, others] = [one.slots, other.slots]
  if (mine === null || others === null) return true
  return mine.some(([from, to]) => others.some(([least, most]) => least <= to && from <= most))
}
