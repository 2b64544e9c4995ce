import type { Field, RecordSchema, Row } from '@drover/core'
import { seededRandom, shuffled } from './random.js'

/** Kinds of key that records of the suites have. `none`: nothing identifies a record but the place where it stands. */
export type KeyKind = 'int' | 'bigint' | 'text' | 'composite' | 'none'

/** What a harness makes a store for: the fields, and which of them are the key. */
export interface Shape {
  readonly schema: RecordSchema
  /** That many records, each different, in an order that is not the key's. */
  records(count: number): Row[]
}

const int: Field['type'] = { kind: 'int', bits: 64 }
const text: Field['type'] = { kind: 'text' }

const payload: readonly Field[] = [
  { name: 'name', type: text, nullable: true },
  { name: 'score', type: { kind: 'float', bits: 64 }, nullable: true },
]

/** Texts that byte order, code unit order, locales and patterns treat differently, and that have to be quoted. */
const awkwardTexts = [
  'a',
  'A',
  'b',
  'B',
  'ä',
  'z',
  'é',
  'e\u0301',
  '10',
  '9',
  ' ',
  "'",
  '"',
  '\\',
  '%',
  '_',
  '😀',
  '\uffee',
  'a b',
  ';--',
]

/** The shape that records with such a key have. */
export function shapeOf(kind: KeyKind): Shape {
  const { fields, key, keyOf } = keys[kind]
  const schema = { fields: [...fields, ...payload], key }
  return {
    schema,
    records: (count) => {
      const made = Array.from({ length: count }, (_, i) => ({ ...keyOf(i), ...payloadOf(i) }))
      return shuffled(made, seededRandom(count))
    },
  }
}

interface KeyShape {
  readonly fields: readonly Field[]
  readonly key: readonly string[]
  readonly keyOf: (index: number) => Row
}

const keys: Record<KeyKind, KeyShape> = {
  // Gaps, zero and negative numbers.
  int: { fields: [{ name: 'id', type: int, nullable: false }], key: ['id'], keyOf: (i) => ({ id: i * 3 - 10 }) },
  // On both sides of the last number that a double holds exactly.
  bigint: {
    fields: [{ name: 'id', type: int, nullable: false }],
    key: ['id'],
    keyOf: (i) => ({ id: narrowed(9_007_199_254_740_985n + BigInt(i)) }),
  },
  text: { fields: [{ name: 'id', type: text, nullable: false }], key: ['id'], keyOf: (i) => ({ id: textKey(i) }) },
  composite: {
    fields: [
      { name: 'tenant', type: text, nullable: false },
      { name: 'number', type: int, nullable: false },
    ],
    key: ['tenant', 'number'],
    // Long stretches of one tenant, so that pages begin and end inside of one.
    keyOf: (i) => ({ tenant: awkwardTexts[Math.floor(i / 7) % awkwardTexts.length], number: i * 2 - 5 }),
  },
  none: { fields: [{ name: 'id', type: int, nullable: false }], key: [], keyOf: (i) => ({ id: i }) },
}

/** An integer as records hold it: a number where that is exact. */
export function narrowed(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function textKey(i: number): string {
  const awkward = awkwardTexts[i % awkwardTexts.length] as string
  return i < awkwardTexts.length ? awkward : `${awkward}${i}`
}

function payloadOf(i: number): Row {
  return {
    name: i % 6 === 5 ? null : `${awkwardTexts[(i * 7) % awkwardTexts.length]} of ${i}`,
    score: i % 7 === 6 ? null : i / 4 + 0.125,
  }
}
