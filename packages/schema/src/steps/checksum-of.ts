import { createHash } from 'node:crypto'
import type { RecordedStep } from '../contracts/steps.js'
import { ChangingValue } from './changing-value.js'

/**
 * Knows a revision again, whatever it was written with. Who asked for a step is not part of it, nor are values that are others at each recording,
 * such as `new Date()`.
 */
export function checksumOf(steps: readonly RecordedStep[]): string {
  const calls = new Set<string>()
  const identities = steps.flatMap((step) => {
    const call = step.kind === 'backfill' ? undefined : step.call
    if (call === undefined) return [identity(step)]
    const isKnown = calls.has(call)
    calls.add(call)
    return isKnown ? [] : [['call', call]]
  })
  const text = JSON.stringify(identities)
  return createHash('sha256').update(text).digest('hex')
}

function identity(step: RecordedStep): readonly unknown[] {
  switch (step.kind) {
    case 'sql':
      return [step.sql, (step.values ?? []).map(plain), step.isOutside === true]
    case 'backfill':
      return ['backfill', step.name, step.table, step.detail]
    case 'unseen':
      return ['unseen', step.about]
  }
}

function plain(value: unknown): unknown {
  if (value instanceof ChangingValue) return { changing: true }
  if (value instanceof Date) return { date: value.toISOString() }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
  }
  return typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value
}
