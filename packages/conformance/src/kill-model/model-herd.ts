import type { Field, RecordSchema, Row } from '@drover/core'

/** What the kill model drives: every third record fans out, every fifth is left out, some are refused. */
const int: Field['type'] = { kind: 'int', bits: 64 }
const text: Field['type'] = { kind: 'text' }

/** A record of the source. */
export interface Head extends Row {
  readonly id: number
  readonly text: string
}

/** A row of the sink: one of the children of a record. */
export interface Child extends Row {
  readonly id: number
  readonly child: number
  readonly text: string
}

export const headSchema: RecordSchema = {
  fields: [
    { name: 'id', type: int, nullable: false },
    { name: 'text', type: text, nullable: false },
  ],
  key: ['id'],
}

export const childSchema: RecordSchema = {
  fields: [
    { name: 'id', type: int, nullable: false },
    { name: 'child', type: int, nullable: false },
    { name: 'text', type: text, nullable: false },
  ],
  key: ['id', 'child'],
}

export function heads(count: number): Head[] {
  return Array.from({ length: count }, (_, i) => ({ id: i + 1, text: `of ${i + 1}` }))
}

export function isKept({ id }: Head): boolean {
  return id % 5 !== 0
}

export function childrenOf({ id, text }: Head): Child[] {
  return Array.from({ length: 1 + (id % 3) }, (_, child) => ({ id, child, text: `${child} ${text}` }))
}

/** The last child of some records: its siblings go before it. */
export function isPoison(row: Row): boolean {
  const { id, child } = row as Child
  return isPoisoned(id) && child === id % 3
}

/** Some neighbours, some alone, and the first record of all. */
export function isPoisoned(id: number): boolean {
  return id === 1 || id % 15 === 7 || id % 15 === 8
}
