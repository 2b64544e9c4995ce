import type { JsonValue } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'

export type Fingerprint = { readonly [part: string]: JsonValue }

/** Refuses to resume a run that another definition started, naming what differs and what can be done. @throws `PIPELINE_CHANGED` */
export function refuseChange(name: string, stored: JsonValue, current: Fingerprint): void {
  const changes = differences(stored, current)
  if (changes.length === 0) return
  throw new DroverError(
    'PIPELINE_CHANGED',
    `${name}: the stored run was started by another definition (${changes.join('; ')}). Put the definition back to go on; or pass whenChanged: 'continue' to go on with the new one from where it stands, whenChanged: 'restart' to begin a new run, or give it another name.`,
  )
}

/** What differs, part by part, as short phrases. */
export function differences(stored: JsonValue, current: Fingerprint): string[] {
  const before = typeof stored === 'object' && stored !== null && !Array.isArray(stored) ? (stored as Fingerprint) : {}
  const changes: string[] = []
  for (const [part, now] of Object.entries(current)) {
    const was = before[part] ?? null
    if (canonical(was) !== canonical(now)) changes.push(`${part} was ${canonical(was)} and is ${canonical(now)}`)
  }
  return changes
}

/** JSON with sorted names: stores may give an object back in another order. */
function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
