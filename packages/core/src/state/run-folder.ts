import type { Partition, Position } from '../contracts/position.js'
import type { RunLease, RunState, Settlement } from '../contracts/state-store.js'
import type { JsonValue } from '../contracts/values.js'
import { isThere, namesIn, readIfThere, replaceFile } from '../disk/durable.js'
import { safeName } from '../disk/safe-name.js'
import { DroverError } from '../errors/drover-error.js'
import { ControlFolder } from './control-folder.js'
import { isHolderGone } from './holder.js'
import { isObject, parseFile } from './parse-file.js'
import { PartitionFolder, type StoredLease } from './partition-folder.js'

/** What a run is, from its first moment on; `run.json`. */
export interface StoredRun {
  readonly format: 'drover-run'
  readonly version: 1
  readonly run: string
  readonly name: string
  readonly fingerprint: JsonValue
  readonly startedAt: string
  readonly partitions: readonly Partition[]
  readonly follows: string | null
}

interface StoredOutcome {
  readonly at: string
  readonly settlement: Settlement
}

/** The files of one run. What changes stands in files of its own, replaced as a whole. */
export class RunFolder {
  readonly control: ControlFolder

  constructor(
    readonly path: string,
    private readonly aside: string,
  ) {
    this.control = new ControlFolder(`${path}/control`, aside)
  }

  /** Null if there is no such run. @throws `STATE_INVALID` */
  async stored(): Promise<StoredRun | null> {
    const path = `${this.path}/run.json`
    const text = await readIfThere(path)
    return text === null ? null : parseFile(path, text, runOf)
  }

  /** False once it was pruned. */
  isThere(): Promise<boolean> {
    return isThere(this.path)
  }

  async isCompleted(): Promise<boolean> {
    return (await this.#outcome('completed.json')) !== null
  }

  /** The lease that stands now, per partition. */
  async leases(): Promise<StoredLease[]> {
    const leases: StoredLease[] = []
    for (const name of await namesIn(`${this.path}/partitions`)) {
      const folder = new PartitionFolder(`${this.path}/partitions/${name}`, this.aside)
      const [highest] = (await folder.list()).fences
      const lease = highest === undefined ? null : await folder.lease(highest)
      if (lease !== null) leases.push(lease)
    }
    return leases
  }

  /** At an instant of the store's clock. Undefined if the run was pruned meanwhile: then what was read may be half of it. */
  async state(stored: StoredRun, now: number): Promise<RunState | undefined> {
    const { run, name, fingerprint, partitions } = stored
    const completed = await this.#outcome('completed.json')
    const last = completed ?? (await this.#outcome('outcome.json'))
    const positions = await this.#positions(run, partitions)
    const control = await this.control.now()
    const leases = (await this.leases()).flatMap((lease) => leaseAt(now, lease))
    if (!(await this.isThere())) return undefined
    return {
      run,
      name,
      fingerprint,
      partitions,
      startedAt: new Date(stored.startedAt),
      status: completed === null ? 'open' : 'completed',
      positions,
      control,
      leases,
      ...(completed === null ? {} : { completedAt: new Date(completed.at) }),
      ...(last === null ? {} : { lastOutcome: last.settlement }),
    }
  }

  partition(id: string): PartitionFolder {
    return new PartitionFolder(`${this.path}/partitions/${safeName(id)}`, this.aside)
  }

  /** A run that has completed stays so, whatever an attempt that came too late says. */
  async settle(settlement: Settlement, at: Date): Promise<void> {
    if ((await this.#outcome('completed.json')) !== null) return
    const file = settlement.outcome === 'completed' ? 'completed.json' : 'outcome.json'
    const outcome: StoredOutcome = { at: at.toISOString(), settlement }
    await replaceFile(`${this.path}/${file}`, JSON.stringify(outcome), this.aside)
  }

  async #outcome(file: string): Promise<StoredOutcome | null> {
    const path = `${this.path}/${file}`
    const text = await readIfThere(path)
    return text === null ? null : parseFile(path, text, outcomeOf)
  }

  async #positions(run: string, partitions: readonly Partition[]): Promise<Position[]> {
    const known = new Map(partitions.map((partition) => [safeName(partition.id), partition]))
    const positions: Position[] = []
    for (const name of (await namesIn(`${this.path}/partitions`)).sort()) {
      const folder = new PartitionFolder(`${this.path}/partitions/${name}`, this.aside)
      const standing = await folder.standing()
      if (standing === null) continue
      const partition = known.get(name) ?? (await leasedPartition(folder))
      if (partition !== undefined) positions.push({ run, partition, ...standing })
    }
    return positions
  }
}

/** A partition that the run did not begin with stands in its lease. */
async function leasedPartition(folder: PartitionFolder): Promise<Partition | undefined> {
  for (const fence of (await folder.list()).fences) {
    const lease = await folder.lease(fence)
    if (lease !== null) return lease.partition
  }
  return undefined
}

function runOf(value: unknown): StoredRun | undefined {
  if (!isObject<StoredRun>(value) || value.format !== 'drover-run') return undefined
  const { version, run, name, fingerprint, startedAt, partitions } = value
  if (version !== 1) {
    throw new DroverError(
      'STATE_INVALID',
      `The state of run ${String(run)} has version ${String(version)}; this Drover reads version 1. Use the release that wrote it, or one after it.`,
    )
  }
  const isWhole =
    typeof run === 'string' &&
    typeof name === 'string' &&
    fingerprint !== undefined &&
    isInstant(startedAt) &&
    Array.isArray(partitions) &&
    partitions.every((partition) => isObject<Partition>(partition) && typeof partition.id === 'string')
  return isWhole ? (value as unknown as StoredRun) : undefined
}

/** None that was given back. */
function leaseAt(now: number, { partition, holder, expiresAt, telling }: StoredLease): RunLease[] {
  if (holder === null) return []
  return [
    {
      partition: partition.id,
      holder,
      expiresAt: new Date(expiresAt),
      leftMs: isHolderGone(holder) ? 0 : Math.max(0, expiresAt - now),
      ...(telling === undefined ? {} : { telling }),
    },
  ]
}

function outcomeOf(value: unknown): StoredOutcome | undefined {
  if (!isObject<StoredOutcome>(value) || !isInstant(value.at)) return undefined
  const { settlement } = value
  if (!isObject<Settlement>(settlement)) return undefined
  const isWhole = ['completed', 'stopped', 'failed'].includes(settlement.outcome as string)
  return isWhole ? (value as unknown as StoredOutcome) : undefined
}

function isInstant(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
