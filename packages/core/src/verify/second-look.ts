import type { Row } from '../contracts/values.js'
import type { SideName } from './buckets.js'
import type { HeldRow } from './pairing.js'
import type { RowCodes } from './row-codes.js'
import type { Listed } from './tally.js'
import type { PagePlace, VerifiedFlow } from './verified-flow.js'
import type { Verification } from './verify.js'

type Sides = Readonly<Record<SideName, VerifiedFlow>>
type Looked = Pick<Verification, 'differences' | 'changedMeanwhile'>
type RowsByKey = ReadonlyMap<string, readonly Row[]>

/** Reads the pages once more that the listed differences were found in, and says which of them are not as they were. */
export async function lookAgain(listed: readonly Listed<HeldRow>[], codes: RowCodes, sides: Sides): Promise<Looked> {
  const keyOf = ({ expected, actual }: Listed<HeldRow>): string => codes.keyOf((expected ?? actual)?.row ?? {})
  const keys = new Set(listed.map(keyOf))
  const expected = await rowsOf(keys, sides.expected, placesOf(listed, 'expected'), codes)
  const actual = await rowsOf(keys, sides.actual, placesOf(listed, 'actual'), codes)
  const differences = listed.map((one) => {
    const [wanted, got] = [expected.get(keyOf(one)) ?? [], actual.get(keyOf(one)) ?? []]
    const stands =
      isAmong(one.expected?.row, unpaired(wanted, got, codes), codes) &&
      isAmong(one.actual?.row, unpaired(got, wanted, codes), codes)
    return stands ? one.difference : { ...one.difference, changedMeanwhile: true }
  })
  return { differences, changedMeanwhile: differences.some((one) => 'changedMeanwhile' in one) }
}

/** Where the rows came, and, of rows that the side lacks, where it was when the other one had them. */
function placesOf(listed: readonly Listed<HeldRow>[], side: SideName): ReadonlySet<PagePlace> {
  const held = listed.flatMap(({ expected, actual }) => [expected, actual].filter((row) => row !== undefined))
  return new Set(held.map(({ places }) => places[side]))
}

async function rowsOf(
  keys: ReadonlySet<string>,
  flow: VerifiedFlow,
  places: Iterable<PagePlace>,
  codes: RowCodes,
): Promise<RowsByKey> {
  const rows = new Map<string, Row[]>()
  for (const place of places) {
    for (const row of await flow.again(place)) {
      const key = codes.keyOf(row)
      if (keys.has(key)) rows.set(key, [...(rows.get(key) ?? []), row])
    }
  }
  return rows
}

/** Rows that have no partner of the same values among the others. */
function unpaired(rows: readonly Row[], others: readonly Row[], codes: RowCodes): readonly Row[] {
  const left = [...others]
  return rows.filter((row) => {
    const partner = left.findIndex((other) => codes.isSame(row, other))
    if (partner !== -1) left.splice(partner, 1)
    return partner === -1
  })
}

function isAmong(row: Row | undefined, rows: readonly Row[], codes: RowCodes): boolean {
  return row === undefined || rows.some((other) => codes.isSame(row, other))
}
