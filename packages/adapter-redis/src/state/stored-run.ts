import {
  type Control,
  isHolderGone,
  type JsonValue,
  type Partition,
  type Position,
  type RunLease,
  type RunState,
  type RunStatus,
  type Settlement,
} from '@drover/core'
import type { Reply } from '../connection/raw-command.js'
import { readJson, readPosition, textOf, unreadable } from './positions.js'

/** A run's hash as it was read: what its fields hold, by name. */
export type StoredRun = ReadonlyMap<string, string>

/** Fields of the run itself; those of partitions are `fence:`, `sequence:`, `position:`, `holder:`, `expires:` or `telling:` and the id. */
export const runFields = {
  name: 'name',
  fingerprint: 'fingerprint',
  partitions: 'partitions',
  status: 'status',
  startedAt: 'startedAt',
  completedAt: 'completedAt',
  outcome: 'outcome',
} as const

/** What operators ask for, a field of JSON each, so that what one asks for does not undo what another one did. */
export const controlNames = [
  'state',
  'reason',
  'stopRequest',
  'batchSize',
  'concurrency',
  'recordsPerSecond',
] as const satisfies readonly (keyof Control)[]

/** The answer to HGETALL. */
export function storedRun(reply: Reply): StoredRun {
  const fields = new Map<string, string>()
  const flat = Array.isArray(reply) ? reply : []
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(textOf(flat[i]) ?? '', textOf(flat[i + 1]) ?? '')
  return fields
}

/**
 * What is known of a run.
 *
 * @param now By the server's clock, in milliseconds since 1970.
 * @throws `STATE_INVALID`
 */
export function runState(key: string, run: string, stored: StoredRun, now: number): RunState {
  const read = <T>(field: string): T => readJson<T>(key, field, fieldOf(key, stored, field))
  const partitions = read<readonly Partition[]>(runFields.partitions)
  if (!Array.isArray(partitions)) throw unreadable(key, `its field "${runFields.partitions}" is no list`)
  const status = fieldOf(key, stored, runFields.status) as RunStatus
  if (status !== 'open' && status !== 'completed') throw unreadable(key, `its field "status" is "${status}"`)
  const order = new Map(partitions.map(({ id }, i) => [id, i]))
  const inOrder = (one: string, other: string): number =>
    (order.get(one) ?? order.size) - (order.get(other) ?? order.size) || (one < other ? -1 : 1)
  return {
    run,
    name: fieldOf(key, stored, runFields.name),
    fingerprint: read<JsonValue>(runFields.fingerprint),
    partitions,
    status,
    startedAt: new Date(numberOf(key, stored, runFields.startedAt)),
    ...(stored.has(runFields.completedAt)
      ? { completedAt: new Date(numberOf(key, stored, runFields.completedAt)) }
      : {}),
    ...(stored.has(runFields.outcome) ? { lastOutcome: read<Settlement>(runFields.outcome) } : {}),
    positions: positionsOf(key, stored).sort((a, b) => inOrder(a.partition.id, b.partition.id)),
    control: controlOf(
      key,
      controlNames.map((name) => stored.get(`control:${name}`)),
    ),
    leases: leasesOf(key, stored, now).sort((a, b) => inOrder(a.partition, b.partition)),
  }
}

/**
 * What operators ask for.
 *
 * @param values As they are stored, in the order of {@link controlNames}.
 * @throws `STATE_INVALID`
 */
export function controlOf(key: string, values: readonly (string | undefined)[]): Control {
  const control: Record<string, unknown> = {}
  for (const [i, name] of controlNames.entries()) {
    const text = values[i]
    if (text !== undefined) control[name] = readJson(key, `control:${name}`, text)
  }
  const { state } = control
  if (state === 'run' || state === 'pause' || state === 'stop') return control as unknown as Control
  throw unreadable(key, 'its field "control:state" is none of "run", "pause" and "stop"')
}

/** Who holds a partition of it, also if the lease has run out. @throws `STATE_INVALID` */
export function leasesOf(key: string, stored: StoredRun, now: number): RunLease[] {
  return idsOf(stored, 'holder:').map((partition) => {
    const holder = fieldOf(key, stored, `holder:${partition}`)
    const expiresAt = numberOf(key, stored, `expires:${partition}`)
    const telling = stored.get(`telling:${partition}`)
    return {
      partition,
      holder,
      expiresAt: new Date(expiresAt),
      leftMs: isHolderGone(holder) ? 0 : Math.max(0, expiresAt - now),
      ...(telling === undefined ? {} : { telling: readJson<JsonValue>(key, `telling:${partition}`, telling) }),
    }
  })
}

function positionsOf(key: string, stored: StoredRun): Position[] {
  return idsOf(stored, 'position:').flatMap((id) => {
    return readPosition(key, id, stored.get(`position:${id}`), numberOf(key, stored, `fence:${id}`)) ?? []
  })
}

function idsOf(stored: StoredRun, kind: string): string[] {
  return [...stored.keys()].filter((field) => field.startsWith(kind)).map((field) => field.slice(kind.length))
}

function numberOf(key: string, stored: StoredRun, field: string): number {
  const number = Number(fieldOf(key, stored, field))
  if (Number.isFinite(number)) return number
  throw unreadable(key, `its field "${field}" is no number`)
}

function fieldOf(key: string, stored: StoredRun, field: string): string {
  const text = stored.get(field)
  if (text === undefined) throw unreadable(key, `it has no field "${field}"`)
  return text
}
