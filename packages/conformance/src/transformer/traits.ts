import { canonical } from '../support/canonical.js'
import { type CalledStep, type Result, short } from './called-step.js'

/** Fields that it depends on though `reads` does not name them: another value there changes more than the field itself. */
export async function readsProblems(
  called: CalledStep,
  records: readonly object[],
  results: readonly Result[],
): Promise<string[]> {
  const declared = called.traits?.reads as readonly string[] | undefined
  if (declared === undefined) return []
  const problems = new Map<string, string>()
  for (const [i, record] of records.entries()) {
    for (const [field, value] of Object.entries(record)) {
      if (declared.includes(field) || problems.has(field)) continue
      for (const other of otherValues(value)) {
        const result = await called.one({ ...structuredClone(record), [field]: other })
        if (without(field, result) === without(field, results[i] as Result)) continue
        problems.set(
          field,
          `it reads "${field}", which its trait reads does not name: with ${short(other)} in it, ${short(record)} gave another result`,
        )
        break
      }
    }
  }
  return [...problems.values()]
}

/** Fields that it sets though `writes` does not name them. */
export function writesProblems(called: CalledStep, records: readonly object[], results: readonly Result[]): string[] {
  const declared = called.traits?.writes
  if (declared === undefined) return []
  const problems = new Map<string, string>()
  for (const [i, record] of records.entries()) {
    const before = new Map(Object.entries(record))
    for (const row of rowsOf(results[i] as Result)) {
      for (const [field, value] of Object.entries(row)) {
        if (declared.includes(field) || (before.has(field) && canonical(before.get(field)) === canonical(value)))
          continue
        problems.set(
          field,
          `it writes "${field}", which its trait writes does not name: ${short(record)} gave ${short(row)}`,
        )
      }
    }
  }
  return [...problems.values()]
}

function rowsOf(result: Result): readonly object[] {
  if (result.kind !== 'given') return []
  const rows: readonly unknown[] = Array.isArray(result.value) ? result.value : [result.value]
  return rows.filter((row) => typeof row === 'object' && row !== null)
}

/** Another value of the same type, and null. */
function otherValues(value: unknown): unknown[] {
  const others: unknown[] = [null]
  if (typeof value === 'string') others.push(`${value} and more`)
  else if (typeof value === 'number') others.push(value + 1)
  else if (typeof value === 'bigint') others.push(value + 1n)
  else if (typeof value === 'boolean') others.push(!value)
  else others.push('another value')
  return others.filter((other) => canonical(other) !== canonical(value))
}

function without(field: string, result: Result): string {
  if (result.kind !== 'given') return result.text
  const rows = rowsOf(result)
  return canonical(rows.map((row) => Object.entries(row).filter(([name]) => name !== field)))
}
