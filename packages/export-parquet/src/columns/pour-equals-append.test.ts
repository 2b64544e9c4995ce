import { DroverError, type LogicalType, type Page } from '@drover/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TablePlan } from './column-plan.js'
import { RowGroupBuilder } from './row-group-builder.js'
import { planOf } from './testing/builders.js'
import { pouredPage } from './testing/poured-page.js'
import { type ParquetTypeName, parquetType } from './type-names.js'

const type = (name: ParquetTypeName): LogicalType => parquetType(name, 'test')
const fraction = fc.oneof(
  fc.constant(''),
  fc.nat(999_999).map((micros) => `.${String(micros).padStart(6, '0')}`.replace(/\.?0+$/, '')),
)
const seconds = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
})
const usual = fc.date({
  min: new Date('1600-01-01T00:00:00Z'),
  max: new Date('2300-01-01T00:00:00Z'),
  noInvalidDate: true,
})
const local = fc.tuple(fc.oneof(seconds, usual), fraction).map(([at, rest]) => at.toISOString().slice(0, 19) + rest)

/** Values as sources hold them, with few digits among them that also fit into smaller types. */
const sources: readonly (readonly [ParquetTypeName, fc.Arbitrary<unknown>])[] = [
  ['boolean', fc.boolean()],
  ['int8', fc.integer({ min: -128, max: 127 })],
  ['int32', fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }), fc.constantFrom(0, 1))],
  [
    'int64',
    fc
      .oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.maxSafeInteger(),
        fc.integer({ min: -2, max: 2 }),
      )
      .map(asRecordsHold),
  ],
  ['float32', fc.oneof(fc.float(), fc.integer({ min: -2, max: 200 }), fc.constant(-0))],
  ['float64', fc.oneof(fc.double(), fc.float(), fc.integer({ min: -2, max: 200 }), fc.constant(-0))],
  [
    'text',
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.json(),
      fc.uuid(),
      local,
      fc.integer().map(String),
      fc.string({ minLength: 120, maxLength: 300 }),
    ),
  ],
  [
    'bytes',
    fc.oneof(
      fc.uint8Array(),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 120, maxLength: 300 }),
    ),
  ],
  ['json', fc.jsonValue().filter((value) => value !== null)],
  ['uuid', fc.uuid()],
  ['date', seconds.map((at) => at.toISOString().slice(0, 10))],
  ['time', local.map((text) => text.slice(11))],
  ['timestamptz(6)', local.map((text) => `${text}Z`)],
  [
    'timestamp(3)',
    usual.map((at) =>
      at
        .toISOString()
        .slice(0, 23)
        .replace(/\.?0+$/, ''),
    ),
  ],
  ['timestamp(6)', local],
  [
    'decimal(20,2)',
    fc.tuple(fc.integer(), fc.nat(99)).map(([whole, rest]) => `${whole}.${String(rest).padStart(2, '0')}`),
  ],
  ['vector(2)', fc.float32Array({ minLength: 2, maxLength: 2 })],
  ['list(text)', fc.array(fc.string())],
]

const targets: readonly ParquetTypeName[] = [
  ...sources.map(([name]) => name),
  'int16',
  'decimal(38,10)',
  'timestamptz(3)',
  'timestamp(9)',
  'timestamptz(9)',
  'list(int8)',
]

test.each(sources)('a page of %s gives what its records give', (name, values) => {
  const from = type(name)
  const plans = [planOf(from), planOf(from, undefined, false), ...targets.map((target) => planOf(type(target), from))]
  fc.assert(
    fc.property(fc.array(fc.option(values), { minLength: 1, maxLength: 8 }), (list) => {
      const rows = list.map((v) => ({ v }))
      const which = rows.map((_, i) => i).filter((i) => i % 3 !== 1)
      const page = pouredPage(from, rows)
      for (const plan of plans) {
        for (const places of [undefined, which]) {
          const appended = outcome(plan, (builder) => builder.append(rows, places))
          expect(outcome(plan, (builder) => builder.pour(page, places))).toStrictEqual(appended)
          if (plan === plans[0]) expect(appended.refused).toBeUndefined()
        }
      }
    }),
    { numRuns: 6 },
  )
})

test.each([
  ['date', '0044-03-15 BC', -735_160],
  ['date', '0001-12-31 BC', -719_163],
  ['date', '10000-01-01', 2_932_897],
  ['date', '5874897-12-31', 2_145_042_905],
  ['time', '24:00:00', 86_400_000_000],
] as const)('a %s that a column has not is refused as the text that records hold: %s', (name, text, poured) => {
  const plan = planOf(type(name))
  const page = pouredPage(type(name), [{ v: null }])
  const pour: Page['pour'] = ({ into: [writer] }) => (name === 'date' ? writer?.int32(poured) : writer?.micros(poured))
  const { refused } = outcome(plan, (builder) => builder.append([{ v: text }]))
  expect(refused).toContain(`is the text "${text}"`)
  expect(outcome(plan, (builder) => builder.pour({ ...page, pour }))).toMatchObject({ refused, row: 0 })
})

interface Outcome {
  readonly refused: string | undefined
  readonly row: number | undefined
  /** As text, which is compared faster. */
  readonly ipc: string
}

function outcome(plan: TablePlan, add: (builder: RowGroupBuilder) => void): Outcome {
  const builder = new RowGroupBuilder(plan, 'out.parquet')
  try {
    add(builder)
    return { refused: undefined, row: undefined, ipc: held(builder) }
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    return { refused: error.message, row: error.row, ipc: held(builder) }
  }
}

function held(builder: RowGroupBuilder): string {
  return Buffer.from(builder.toIpc()).toString('base64')
}

function asRecordsHold(value: number | bigint): number | bigint {
  const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
  return isSafe ? Number(value) : BigInt(value)
}
