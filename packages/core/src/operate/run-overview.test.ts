import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Position } from '../contracts/position.js'
import type { RunLease, RunState } from '../contracts/state-store.js'
import { type Telling, telling } from '../engine/telling.js'
import { overviewOf } from './run-overview.js'

const counts = (read: number) => {
  return { read, written: read, filtered: 0, rejected: 0, emitted: read, inserted: read, updated: 0, skipped: 0 }
}
const told = (more: Partial<Telling> = {}, read = 5): Telling => {
  const progress = { name: 'a', run: 'r', counts: counts(read), estimated: false, recordsPerSecond: 2, elapsedMs: 3 }
  return { progress, heard: 'run', pausedHere: false, isResting: false, concurrency: 1, leaseMs: 30_000, ...more }
}
const lease = (more: Partial<RunLease> = {}): RunLease => {
  return { partition: 'p', holder: 'far:1:x', expiresAt: new Date(0), leftMs: 29_000, ...more }
}
const position = (id: string, sequence: number, read: number, done = false): Position => {
  return { run: 'r', partition: { id, bounds: null }, fence: 1, sequence, cursor: null, done, counts: counts(read) }
}
const state = (more: Partial<RunState> = {}): RunState => {
  const partitions = ['p', 'q'].map((id) => ({ id, bounds: null }))
  return {
    run: 'r',
    name: 'a',
    fingerprint: null,
    startedAt: new Date(0),
    status: 'open',
    partitions,
    positions: [],
    ...more,
  }
}

describe('what is seen of a run', () => {
  it('is not much where the store gives neither leases nor wishes', () => {
    expect(overviewOf(state())).toMatchObject({ activity: 'idle', control: { state: 'run' }, holders: [] })
  })

  it('is that it runs, of a process that tells nothing, or what nobody here understands', () => {
    for (const odd of [undefined, null, 'x', 7, [], {}, { progress: {} }, { ...told(), heard: 'fly' }]) {
      const seen = overviewOf(
        state({ leases: [lease(odd === undefined ? {} : { telling: JSON.parse(JSON.stringify(odd)) })] }),
      )
      expect(seen).toMatchObject({ activity: 'running', message: 'far:1:x works on it.' })
      expect(seen.progress).toBeUndefined()
      expect(seen.holders[0]?.telling).toBeUndefined()
    }
  })

  it('is since when a process is silent, once that is long', () => {
    const seen = (leftMs: number) => overviewOf(state({ leases: [lease({ leftMs, telling: telling(told()) })] }))
    expect(seen(28_500).holders[0]?.silentMs).toBe(1_500)
    expect(seen(28_500).message).not.toContain('heard')
    expect(seen(10_000).message).toContain('It was not heard of for 20.0 s: its process may sleep, be gone')
    expect(seen(0)).toMatchObject({ activity: 'stale', holders: [{ isStale: true }] })
  })

  it('is who of several works on it, and who is gone', () => {
    const gone = `${hostname()}:${2 ** 22 + 1}:y`
    const leases = [
      lease({ holder: gone, partition: 'p', leftMs: 0, telling: telling(told({}, 900)) }),
      lease({ partition: 'q', telling: telling(told()) }),
    ]
    const seen = overviewOf(state({ leases }))
    expect(seen).toMatchObject({
      activity: 'running',
      message: 'far:1:x works on it.',
      progress: { counts: { read: 5 } },
    })
    expect(seen.holders.map(({ holder, isStale }) => [holder, isStale])).toEqual([
      [gone, true],
      ['far:1:x', false],
    ])
  })

  it('is that it is paused only once all that work on it rest', () => {
    const seen = (...each: readonly Partial<Telling>[]) =>
      overviewOf(
        state({
          control: { state: 'pause' },
          leases: each.map((more, i) => lease({ holder: `far:${i}:x`, telling: telling(told(more)) })),
        }),
      ).activity
    const rests = { heard: 'pause', isResting: true } as const
    expect(seen(rests, rests)).toBe('paused')
    expect(seen(rests, { heard: 'pause' })).toBe('pausing')
    expect(seen(rests, {})).toBe('pausing')
    expect(seen({ pausedHere: true, isResting: true })).toBe('paused')
  })

  it('is the newest that is known of each partition, wherever it stands', () => {
    const lastOutcome = { outcome: 'failed', positions: [position('p', 2, 20, true), position('q', 1, 10)] } as const
    const seen = overviewOf(state({ positions: [position('q', 3, 30)], lastOutcome }))
    expect(seen).toMatchObject({ counts: counts(50), partitions: { total: 2, done: 1 }, activity: 'failed' })
  })

  it('survives numbers that JSON does not have', () => {
    const progress = { ...told().progress, etaMs: Number.POSITIVE_INFINITY }
    const seen = overviewOf(state({ leases: [lease({ telling: telling(told({ progress })) })] }))
    expect(seen.progress).toEqual(told().progress)
  })
})
