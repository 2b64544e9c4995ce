import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { HealthCheck, HealthReading, HealthSignal } from '../contracts/health.js'
import { HealthWatch } from './health-watch.js'

/** Time goes on when the test says so. */
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watching(...signals: (HealthSignal | HealthCheck)[]) {
  const read: [string, number][] = []
  const failed: string[] = []
  const watch = new HealthWatch(signals, {
    read: (signal, { load }) => read.push([signal, load]),
    failed: (signal, why) => failed.push(`${signal}: ${why}`),
  })
  watch.start()
  return { read, failed, watch }
}

describe('a signal', () => {
  it('is asked at once, and then every second, or as often as it says', async () => {
    let asked = 0
    const often = { name: 'often', everyMs: 250, check: () => ({ load: 0, reason: '' }) }
    const { read, watch } = watching({ name: 'usual', check: async () => ({ load: ++asked, reason: '' }) }, often)
    expect(watch.isReady).toBe(false)
    await vi.advanceTimersByTimeAsync(0)
    expect(watch.isReady).toBe(true)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(read.filter(([name]) => name === 'usual').map(([, load]) => load)).toEqual([1, 2, 3, 4])
    expect(read.filter(([name]) => name === 'often')).toHaveLength(13)
    await watch[Symbol.asyncDispose]()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toBe(4)
  })

  it('may be a plain function, by its own name, and need not wait for its answer', () => {
    function queueLength(): HealthReading {
      return { load: 0.5, reason: 'queue 5 of 10' }
    }
    const { read, watch } = watching(queueLength, () => ({ load: 0, reason: '' }))
    expect(read).toEqual([
      ['queueLength', 0.5],
      ['signals[1]', 0],
    ])
    expect(watch.isReady).toBe(true)
  })

  it('that throws counts as one at its limit, and that is told once', async () => {
    let fails = true
    const { read, failed } = watching({
      name: 'broken',
      check: async () => {
        if (fails) throw new Error('no route to postgres://me:hunter2@db')
        return { load: 0.2, reason: '' }
      },
    })
    await vi.advanceTimersByTimeAsync(2_000)
    fails = false
    await vi.advanceTimersByTimeAsync(1_000)
    fails = true
    await vi.advanceTimersByTimeAsync(1_000)
    expect(read.map(([, load]) => load)).toEqual([1, 1, 1, 0.2, 1])
    expect(failed).toHaveLength(1)
    expect(failed[0]).toContain('no route')
    expect(failed[0]).not.toContain('hunter2')
  })

  it('that throws at once does not hold the others up', () => {
    const { failed, read } = watching(
      () => {
        throw new Error('at once')
      },
      { name: 'well', check: () => ({ load: 0, reason: '' }) },
    )
    expect(failed).toEqual(['signals[0]: at once'])
    expect(read.at(-1)).toEqual(['well', 0])
  })

  it('that hangs is aborted, counts as one at its limit, and is asked again only once it has ended', async () => {
    let asked = 0
    let end: (() => void) | undefined
    let aborted = false
    const { read, failed, watch } = watching({
      name: 'hanging',
      timeoutMs: 1_500,
      check: ({ signal }) => {
        asked++
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return new Promise((resolve) => {
          end = () => resolve({ load: 9, reason: 'too late' })
        })
      },
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect({ asked, aborted, isReady: watch.isReady }).toEqual({ asked: 1, aborted: true, isReady: true })
    expect(read).toEqual([['hanging', 1]])
    expect(failed).toEqual(['hanging: it did not answer within 1500 ms'])
    end?.()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toBe(2)
    expect(read.some(([, load]) => load === 9)).toBe(false)
    await watch[Symbol.asyncDispose]() // does not wait for it
  })

  it.each([
    ['nothing', undefined],
    ['a text', 'fine'],
    ['no load', { reason: 'x' }],
    ['no number', { load: Number.NaN, reason: 'x' }],
    ['less than nothing', { load: -1, reason: 'x' }],
    ['no reason', { load: 1 }],
  ])('that gives %s counts as one at its limit', async (_, nonsense) => {
    const { read, failed } = watching({ name: 'mad', check: async () => nonsense as never })
    await vi.advanceTimersByTimeAsync(0)
    expect(read).toEqual([['mad', 1]])
    expect(failed).toMatchObject([expect.stringMatching(/^mad: it gave .*load of 0 or more/)])
  })

  it('is closed behind the last run that asks it, and may be asked again', async () => {
    let closed = 0
    const signal: HealthSignal = {
      name: 'shared',
      check: () => ({ load: 0, reason: '' }),
      close: () => {
        closed++
      },
    }
    const one = watching(signal)
    const two = watching(signal)
    await one.watch[Symbol.asyncDispose]()
    expect(closed).toBe(0)
    await two.watch[Symbol.asyncDispose]()
    expect(closed).toBe(1)
    const three = watching(signal)
    expect(three.read).toHaveLength(1)
    await three.watch[Symbol.asyncDispose]()
    expect(closed).toBe(2)
  })

  it('that cannot be closed is told, and one that never ends closing is left', async () => {
    const check = () => ({ load: 0, reason: '' })
    const broken = watching({ name: 'broken', check, close: () => Promise.reject(new Error('still in use')) })
    await broken.watch[Symbol.asyncDispose]()
    expect(broken.failed).toEqual(['broken: it could not be closed: still in use'])
    const hanging = watching({ name: 'hanging', check, close: () => new Promise(() => {}) })
    let isDone = false
    void hanging.watch[Symbol.asyncDispose]().then(() => {
      isDone = true
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(isDone).toBe(true)
  })
})
