import { setTimeout as wait } from 'node:timers/promises'
import type { RecordedStep } from '../contracts/steps.js'

/** A value that is another one at each recording: a random id, the time. The checksum leaves it out. */
export class ChangingValue {
  constructor(readonly value: unknown) {}
}

/**
 * Marks values that differ in a second recording, which is made if any looks as if it could.
 *
 * @param again Records once more.
 */
export async function markChanging(
  steps: readonly RecordedStep[],
  again: () => Promise<readonly RecordedStep[]>,
): Promise<RecordedStep[]> {
  if (!steps.some((step) => step.kind === 'sql' && (step.values ?? []).some(mayChange))) return [...steps]
  // The clock has to move on, or what tells the time would seem to stay.
  await wait(2)
  const others = await again()
  return steps.map((step, i) => {
    const other = others[i]
    if (step.kind !== 'sql' || other?.kind !== 'sql' || step.sql !== other.sql || step.values === undefined) return step
    const values = step.values.map((value, at) =>
      mayChange(value) && isOther(value, other.values?.[at]) ? new ChangingValue(value) : value,
    )
    return { ...step, values }
  })
}

/** Dates, texts that hold a time or a random id, and numbers as large as the milliseconds of one. */
function mayChange(value: unknown): boolean {
  if (typeof value === 'string') return /\d{4}-\d\d-\d\d|[0-9a-f]{8}|[\w-]{16}/i.test(value)
  if (typeof value === 'number') return !Number.isInteger(value) || Math.abs(value) > 1e9
  return typeof value === 'object' && value !== null
}

function isOther(value: unknown, other: unknown): boolean {
  return JSON.stringify([value], exact) !== JSON.stringify([other], exact)
}

function exact(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
