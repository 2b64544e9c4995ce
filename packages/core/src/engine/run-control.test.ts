import { describe, expect, it } from 'vitest'
import type { Control } from '../contracts/state-store.js'
import { Throttle } from '../throttle/throttle.js'
import { RunControl, type RunSettings } from './run-control.js'
import { signal } from './testing/rigs.js'

function control(settings: RunSettings = {}) {
  const told: string[] = []
  const throttle = new Throttle({}, { throttled: () => {}, signalFailed: () => {} }, 'x')
  const listener = {
    paused: (paused: boolean) => void told.push(paused ? 'paused' : 'resumed'),
    ignored: (message: string) => void told.push(message),
  }
  return { control: new RunControl(settings, undefined, listener, throttle), told }
}

describe('what operators ask for', () => {
  it('is heard in the order in which it was asked for, whichever heartbeat is answered first', () => {
    const { control: run, told } = control()
    run.obey({ state: 'run' }, 2)
    run.obey({ state: 'pause', batchSize: 5 }, 1)
    expect(run.paused).toBe(false)
    expect(run.batchSize).toBeUndefined()
    expect(told).toEqual([])
  })

  it('is the last word only when it changes', () => {
    const { control: run } = control({ batchSize: 10 })
    run.obey({ state: 'run', batchSize: 20 }, 1)
    expect(run.batchSize).toBe(20)
    run.update({ batchSize: 30 })
    run.obey({ state: 'run', batchSize: 20, concurrency: 3 }, 2)
    expect([run.batchSize, run.lanes.wanted]).toEqual([30, 3])
    run.obey({ state: 'run', batchSize: 40, concurrency: 3 }, 3)
    expect(run.batchSize).toBe(40)
  })

  it.each([
    { batchSize: 0 },
    { batchSize: '10' },
    { concurrency: 1.5 },
    { recordsPerSecond: -1 },
    { recordsPerSecond: null },
  ])('is left aside and told where it makes no sense: %j', (odd) => {
    const { control: run, told } = control({ batchSize: 10, concurrency: 2, recordsPerSecond: 7 })
    run.obey({ state: 'pause', ...odd } as Control, 1)
    run.obey({ state: 'pause', ...odd } as Control, 2)
    expect([run.batchSize, run.lanes.wanted, run.ceiling, run.paused]).toEqual([10, 2, 7, true])
    expect(told).toEqual([expect.stringContaining(`an operator asked for ${Object.keys(odd)[0]}`), 'paused'])
  })

  it('to stop ends the run, though somebody else did so already; not if it was asked before this call', () => {
    const { control: waiting } = control()
    waiting.takeBack({ state: 'run' })
    waiting.obey({ state: 'run', stopRequest: 'a' }, 1)
    expect(waiting.stopReason).toBe('an operator asked for it')
    const { control: later } = control()
    later.takeBack({ state: 'run', stopRequest: 'a' })
    later.obey({ state: 'run', stopRequest: 'a' }, 1)
    later.obey({ state: 'run', stopRequest: '' }, 2)
    expect(later.stopReason).toBeUndefined()
    later.obey({ state: 'stop', stopRequest: 'b', reason: 'password=geheim' }, 3)
    expect(later.stopReason).toBe('an operator asked for it: password=***')
  })
})

describe('a pause', () => {
  it('holds though the ceiling would let the next batch begin', async () => {
    const { control: run } = control({ recordsPerSecond: 100 })
    run.tally(10)
    let isFree = false
    const free = run.whenFree({}, signal).then(() => {
      isFree = true
    })
    run.pause()
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(isFree).toBe(false)
    run.resume()
    await free
  })

  it('ends when everybody who asked for it has resumed', () => {
    const { control: run, told } = control()
    run.pause()
    run.obey({ state: 'pause' }, 1)
    run.resume()
    expect(run.paused).toBe(true)
    run.obey({ state: 'run' }, 2)
    expect(run.paused).toBe(false)
    expect(told).toEqual(['paused', 'resumed'])
  })
})
