import type { Field, Row } from '@drover/core'
import type { NamedSet } from './sets.js'
import type { Store } from './store.js'

/** One value on its way: in a record of its own, in which all other fields are null. */
export interface Sample {
  readonly id: number
  readonly set: NamedSet
  /** As the source gives it. */
  readonly value: unknown
}

/** The values of these sets as a store's source gives them. */
export function samplesOf(sets: readonly NamedSet[], store: Store): Sample[] {
  return sets
    .flatMap((set) => set.values.map((value) => ({ set, value: store.given?.(value, set) ?? value })))
    .map((sample, i) => ({ ...sample, id: i + 1 }))
}

export function recordsOf(sets: readonly NamedSet[]): Row[] {
  const empty = Object.fromEntries(sets.map(({ name }) => [name, null]))
  return sets
    .flatMap((set) => set.values.map((value) => ({ [set.name]: value })))
    .map((filled, i) => ({ id: i + 1, ...empty, ...filled }))
}

export function fieldsOf(sets: readonly NamedSet[]): Field[] {
  return [
    { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false },
    ...sets.map(({ name, type }): Field => ({ name, type, nullable: true })),
  ]
}
