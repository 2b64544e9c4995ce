import { describe, expect, it } from 'vitest'
import type { Throttled } from '../contracts/events.js'
import { rateStore, SimulatedRun } from './testing/simulated-run.js'
import { Throttle } from './throttle.js'
import type { ThrottleOptions } from './throttle-options.js'

/** A throttle on a clock that the test sets. */
function throttleAt(iso: string, options: ThrottleOptions = {}) {
  const clock = { now: Date.parse(iso) }
  const told: (Throttled | undefined)[] = []
  const throttle = new Throttle(options, { throttled: (now) => told.push(now), signalFailed: () => {} }, 'test', {
    steady: () => clock.now,
    wall: () => clock.now,
  })
  return { clock, told, throttle }
}

const night = [{ from: '22:00', to: '06:00', zone: 'UTC' }]

describe('rests', () => {
  it('are each lane’s own, in proportion to what it worked', () => {
    const { clock, throttle } = throttleAt('2026-05-05T12:00Z')
    throttle.read('x', { load: 1.9, reason: '' })
    throttle.measured(1, 400)
    const lanes = [{}, {}]
    for (const lane of lanes) throttle.gate(lane).passed(false)
    clock.now += 400
    const [first, second] = lanes.map((lane) => throttle.gate(lane))
    expect(first?.leftMs).toBe(400)
    clock.now += 300
    expect([first?.leftMs, second?.leftMs]).toEqual([100, 100])
    clock.now += 100
    expect(first?.leftMs).toBe(0)
    first?.passed(true)
    // It has rested; the other one still owes the time that it did not ask for.
    expect(throttle.wantsRest(lanes[0] as object)).toBe(false)
    expect(throttle.wantsRest(lanes[1] as object)).toBe(true)
  })

  it('that are too short for a timer are taken together', () => {
    const { clock, throttle } = throttleAt('2026-05-05T12:00Z')
    throttle.read('x', { load: 1.1, reason: '' })
    const lane = {}
    throttle.gate(lane).passed(false)
    let rested = 0
    for (let batch = 0; batch < 100; batch++) {
      clock.now += 10
      const gate = throttle.gate(lane)
      const left = gate.leftMs
      if (left > 0) expect(left).toBeGreaterThanOrEqual(20)
      clock.now += left
      rested += left
      gate.passed(left > 0)
    }
    // A share of 0.9: a ninth of the work.
    expect(rested).toBeGreaterThan(80)
    expect(rested).toBeLessThan(130)
  })

  it('count no work from before they were needed', () => {
    const { clock, throttle } = throttleAt('2026-05-05T12:00Z')
    const lane = {}
    throttle.gate(lane).passed(false)
    for (let batch = 0; batch < 100; batch++) {
      clock.now += 100
      throttle.gate(lane).passed(false)
    }
    clock.now += 100
    throttle.read('x', { load: 1.9, reason: '' })
    expect(throttle.gate(lane).leftMs).toBe(100)
    clock.now += 3_600_000
    expect(throttle.gate({}).leftMs).toBe(0)
    expect(throttle.gate(lane).leftMs).toBe(5_000)
  })
})

describe('a run that is held back', () => {
  it('says by what, when that changes, and when it is over', () => {
    let others = 0
    const run = new SimulatedRun(rateStore(() => others, 0.4)).run(10)
    expect(run.told).toEqual([])
    others = 1.4
    run.run(20)
    expect(run.told).toMatchObject([{ reason: expect.stringMatching(/^load 1\.8/) }])
    others = 0
    run.run(200)
    expect(run.told.slice(1)).toEqual([undefined])
  })

  it('does not say again and again that a load is about its limit', () => {
    let second = 0
    const run = new SimulatedRun(rateStore(() => (++second % 400 < 200 ? 0.95 : 1.1), 0)).run(60)
    expect(run.told).toHaveLength(1)
  })

  it('says that it recovers while it does', () => {
    const { clock, throttle } = throttleAt('2026-05-05T12:00Z')
    throttle.read('x', { load: 1.9, reason: 'lag 4 s of 2 s' })
    expect(throttle.now?.reason).toBe('lag 4 s of 2 s')
    clock.now += 1_000
    throttle.read('x', { load: 0, reason: 'lag 0 s of 2 s' })
    expect(throttle.now?.reason).toBe('lag 0 s of 2 s, getting faster again')
  })

  it('stands still from twice the limit on', () => {
    const { clock, told, throttle } = throttleAt('2026-05-05T12:00Z')
    throttle.read('lag', { load: 2.5, reason: 'lag 5 s of 2 s' })
    const gate = throttle.gate({})
    for (let i = 0; i < 100; i++) {
      expect(gate.leftMs).toBeGreaterThan(0)
      clock.now += 100
    }
    throttle.read('lag', { load: 1.5, reason: 'lag 3 s of 2 s' })
    expect(gate.leftMs).toBe(0)
    expect(told).toMatchObject([{ reason: 'lag 5 s of 2 s', restMs: 100 }])
  })

  it('tells no secrets that a signal’s reason holds', () => {
    const { throttle } = throttleAt('2026-05-05T12:00Z')
    throttle.read('x', { load: 3, reason: 'postgres://me:hunter2@db/x is slow' })
    expect(throttle.now?.reason).not.toContain('hunter2')
  })
})

describe('outside of its windows', () => {
  it('a run waits until one opens, and says until when', () => {
    const { clock, told, throttle } = throttleAt('2026-05-05T12:00Z', { windows: night })
    const gate = throttle.gate({})
    expect(gate.leftMs).toBe(10 * 3_600_000)
    expect(throttle.isClosed).toBe(true)
    expect(throttle.stopReason).toBeUndefined()
    expect(told).toEqual([
      {
        reason: 'no window is open, the next one opens in 10 h 00 min, at 2026-05-05T22:00:00.000Z',
        restMs: 36_000_000,
      },
    ])
    clock.now = Date.parse('2026-05-05T22:00Z')
    expect(gate.leftMs).toBe(0)
    expect(throttle.isClosed).toBe(false)
    expect(told.slice(1)).toEqual([undefined])
  })

  it('or stops, if that is asked for', () => {
    const { clock, throttle } = throttleAt('2026-05-05T23:00Z', { windows: night, whenClosed: 'stop' })
    expect(throttle.stopReason).toBeUndefined()
    expect(throttle.stopsInMs).toBe(7 * 3_600_000)
    clock.now = Date.parse('2026-05-06T06:00Z')
    expect(throttle.stopReason).toBe(
      'no window is open, the next one opens in 16 h 00 min, at 2026-05-06T22:00:00.000Z',
    )
    expect(throttle.stopsInMs).toBe(0)
  })

  it('no time of work passes', () => {
    const { throttle } = throttleAt('2026-05-05T12:00Z', { windows: night })
    expect(throttle.durationOf(3_600_000)).toBe(11 * 3_600_000)
  })
})

describe('the size of batches', () => {
  it('is the usual one unless it is to adapt', () => {
    expect(throttleAt('2026-05-05T12:00Z').throttle.batchSize(700)).toBe(700)
  })

  it('adapts in steps of a fifth while the store becomes slower', () => {
    let msPerRecord = 0.1
    const store = { ...rateStore(() => 0, 0), batchMs: (records: number) => records * msPerRecord }
    const run = new SimulatedRun(store, { adaptive: { targetBatchMs: 200, maxBatchSize: 5_000 } }, 500).run(20)
    expect(run.batches.at(-1)?.records).toBeGreaterThan(1_700)
    msPerRecord = 1
    run.run(30)
    expect(run.batches.at(-1)?.ms).toBeGreaterThan(170)
    expect(run.batches.at(-1)?.ms).toBeLessThan(230)
    for (const [i, { records }] of run.batches.entries()) {
      const before = run.batches[i - 1]?.records ?? records
      expect(records).toBeLessThanOrEqual(before * 1.2 + 1)
      expect(records).toBeGreaterThanOrEqual(before / 1.2 - 1)
    }
  })
})
