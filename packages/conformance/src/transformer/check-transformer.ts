import { setTimeout as wait } from 'node:timers/promises'
import { DroverError, type MaybePromise, type TransformContext, type TransformerTraits } from '@drover/core'
import { canonical } from '../support/canonical.js'
import { CalledStep, type Result, short } from './called-step.js'
import { frozen } from './frozen.js'
import { readsProblems, writesProblems } from './traits.js'

export interface CheckTransformerOptions<I> {
  /** Records as the step will get them: typical ones, and those with null, empty and extreme values. */
  readonly records: readonly I[]
  /** When the run started. @default 2024-05-06T07:08:09.010Z */
  readonly runStartedAt?: Date
  /** How long one call may take, in milliseconds. @default the step's own timeoutMs, else 10000 */
  readonly timeoutMs?: number
  /** The step may reject records by throwing; then it has to do so every time. @default false */
  readonly mayReject?: boolean
}

/** A transformer, with or without traits. */
export type CheckedStep<I, O> = ((record: I, context: TransformContext) => MaybePromise<O | readonly O[] | null>) & {
  readonly traits?: TransformerTraits<never>
}

/** Failures that a message lists; the others are counted. */
const shown = 10

/**
 * Checks that a transformer is what a pipeline relies on: it does not change the record it is given, gives the same for
 * the same record every time and in any order, gives records, arrays of records or null, and reads and writes only the
 * fields that its traits name. It gives the results, one per record by place, for assertions of your own; null for a
 * record that was rejected.
 *
 * Works in any test runner.
 *
 * @throws `CONTRACT_BROKEN` with all that is wrong, one line each.
 *
 * @example
 * test('token counts', async () => {
 *   const [row] = await checkTransformer(countTokens, { records: [{ id: 1, content: 'nine char' }] })
 *   expect(row).toEqual({ id: 1, content: 'nine char', tokens: 2 })
 * })
 */
export async function checkTransformer<I extends object, O extends object>(
  step: CheckedStep<I, O>,
  {
    records,
    runStartedAt = new Date('2024-05-06T07:08:09.010Z'),
    timeoutMs,
    mayReject = false,
  }: CheckTransformerOptions<I>,
): Promise<readonly (O | readonly O[] | null)[]> {
  if (records.length === 0)
    throw new DroverError('OPTION_INVALID', 'checkTransformer: records has to hold one record at least.')
  const called = new CalledStep(step, { runStartedAt, timeoutMs: timeoutMs ?? step.traits?.timeoutMs ?? 10_000 })
  const controller = new AbortController()
  await step.traits?.open?.({ signal: controller.signal })
  try {
    const results = await called.all(records)
    const problems = [
      ...results.flatMap((result, i) => resultProblems(result, records[i], mayReject)),
      ...(await changeProblems(called, records)),
      ...(await repeatProblems(called, records, results)),
      ...(await batchProblems(called, records, results)),
      ...(await readsProblems(called, records, results)),
      ...writesProblems(called, records, results),
    ]
    if (problems.length > 0) throw new DroverError('CONTRACT_BROKEN', report(called.name, problems))
    return results.map((result) => (result.kind === 'given' ? (result.value as O | readonly O[] | null) : null))
  } finally {
    controller.abort()
    await step.traits?.close?.()
  }
}

function resultProblems(result: Result, record: unknown, mayReject: boolean): string[] {
  if (result.kind === 'threw') return mayReject ? [] : [`it failed on ${short(record)}: ${result.message}`]
  if (result.kind === 'late') return [`it did not answer within ${result.timeoutMs} ms for ${short(record)}`]
  const { value } = result
  if (value === null || isRecord(value) || (Array.isArray(value) && value.every(isRecord))) return []
  const forgotten = value === undefined ? ' (is a return missing?)' : ''
  return [`it gave ${short(value)}${forgotten} for ${short(record)}; it gives a record, an array of records, or null`]
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A record that is changed is not the one that the dead letters keep. */
async function changeProblems(called: CalledStep, records: readonly object[]): Promise<string[]> {
  const problems: string[] = []
  for (const record of records) {
    const copy = structuredClone(record)
    await called.one(copy)
    const changed = changedFields(record, copy)
    if (changed.length > 0) {
      problems.push(
        `it changed ${changed.join(', ')} of the record it was given: ${short(record)} became ${short(copy)}; return a copy`,
      )
      continue
    }
    const result = await called.one(frozen(structuredClone(record)))
    if (result.kind === 'threw' && /read only|not extensible|Cannot (delete|define|assign|add)/.test(result.message)) {
      problems.push(`it writes to the record it was given: ${result.message}; return a copy`)
    }
  }
  return problems
}

function changedFields(before: object, after: object): string[] {
  const [was, is] = [Object.entries(before), new Map(Object.entries(after))]
  const names = new Set([...was.map(([name]) => name), ...is.keys()])
  const old = new Map(was)
  return [...names].filter((name) => canonical(old.get(name)) !== canonical(is.get(name)))
}

/** A clock, a random number, or something it remembers would make a resumed run differ from one that nobody disturbed. */
async function repeatProblems(
  called: CalledStep,
  records: readonly object[],
  results: readonly Result[],
): Promise<string[]> {
  await wait(5) // so that a clock shows another time
  const again = await called.all([...records].reverse())
  return records.flatMap((record, i) => {
    const [first, second] = [results[i]?.text, again[records.length - 1 - i]?.text]
    if (first === second) return []
    return [
      `it gave another result the second time for ${short(record)}: ${first}, then ${second}; its only clock is context.runStartedAt`,
    ]
  })
}

async function batchProblems(
  called: CalledStep,
  records: readonly object[],
  results: readonly Result[],
): Promise<string[]> {
  const problems: string[] = []
  for (const size of new Set([records.length, 2, 3])) {
    if (size < 2 || size > records.length) continue
    for (let from = 0; from + size <= records.length; from += size) {
      const part = results.slice(from, from + size)
      if (part.some((result) => result.kind !== 'given')) continue // A batch with such a record is taken apart.
      const together = await called.batch(records.slice(from, from + size))
      if (together === undefined) return []
      if (typeof together === 'string') {
        problems.push(together)
        continue
      }
      for (const [i, one] of together.entries()) {
        if (one.text === part[i]?.text) continue
        problems.push(
          `in a batch of ${size} it gave ${one.text} for ${short(records[from + i])}, alone ${part[i]?.text}`,
        )
      }
    }
  }
  return problems
}

function report(name: string, problems: readonly string[]): string {
  const unique = [...new Set(problems)]
  const lines = unique.slice(0, shown).map((problem) => `  - ${problem}`)
  if (unique.length > shown) lines.push(`  - and ${unique.length - shown} more`)
  return `${name}:\n${lines.join('\n')}`
}
