import type { Columns, Page } from '../contracts/page.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { StepCall } from './step-call.js'

/** The fields that some steps together look at and set. */
export interface DeclaredFields {
  /** What they are given: all that they read or set. */
  readonly given: readonly string[]
  readonly writes: readonly string[]
}

/** Null if there is no step, or one that does not say which fields it reads and sets: it may look at any. */
export function declaredFields(calls: readonly StepCall[]): DeclaredFields | null {
  const given = new Set<string>()
  const writes = new Set<string>()
  for (const { traits } of calls) {
    if (traits?.reads === undefined || traits.writes === undefined) return null
    for (const field of traits.reads) given.add(field)
    for (const field of traits.writes) writes.add(field)
  }
  const all = [...new Set([...given, ...writes])]
  // An assignment to that name would set no field.
  return all.length === 0 || all.includes('__proto__') ? null : { given: all, writes: [...writes] }
}

/** The page's records with those of these fields alone that it has; null if it has no columns. */
export function recordsOf({ columns, count, rejected }: Page<Row>, { given }: DeclaredFields): Row[] | null {
  if (columns === undefined) return null
  const fields: string[] = []
  const values: ArrayLike<unknown>[] = []
  for (const field of given) {
    const column = columnOf(columns, field)
    if (column === null) continue
    fields.push(field)
    values.push(column)
  }
  const records: Row[] = []
  for (let i = 0; i < count - (rejected?.length ?? 0); i++) {
    const record: Row = {}
    for (let f = 0; f < fields.length; f++) record[fields[f] as string] = values[f]?.[i]
    records.push(record)
  }
  return records
}

/** Null if the records have no such field. */
function columnOf(columns: Columns<Row>, field: string): ArrayLike<unknown> | null {
  try {
    return columns.get(field)
  } catch (error) {
    if (DroverError.isInstance(error, 'NAME_UNKNOWN')) return null
    throw error
  }
}

/** Whether steps did what they say: they gave the record on with nothing changed but the fields that they set. */
export function keepsRest(before: Row, made: Row, { given, writes }: DeclaredFields): boolean {
  const isSame = given.every((field) => writes.includes(field) || Object.is(made[field], before[field]))
  return isSame && Object.keys(made).every((field) => given.includes(field))
}

/** The page with other values in the columns that were set; null if its form does not take them. */
export function withColumns(page: Page<Row>, rows: readonly Row[], { writes }: DeclaredFields): Page<Row> | null {
  let made = page
  try {
    for (const field of writes) {
      if (made.columns === undefined) return null
      made = made.columns.with(
        field,
        rows.map((row) => row[field]),
      )
    }
    return made
  } catch (error) {
    // The sink says so too, and of which record. Not every form takes a field more.
    if (DroverError.isInstance(error, 'RECORD_REFUSED', 'NAME_UNKNOWN')) return null
    throw error
  }
}

/** Whole records of those that steps made of some of their fields. */
export function wholeRecords(
  sources: readonly Row[],
  rows: readonly Row[],
  owners: readonly number[] | null,
  { writes }: DeclaredFields,
): Row[] {
  return rows.map((row, i) => {
    const whole: Row = { ...sources[owners === null ? i : (owners[i] as number)] }
    for (const field of writes) {
      if (Object.hasOwn(row, field)) whole[field] = row[field]
      else delete whole[field]
    }
    return whole
  })
}
