import { describe, expect, it } from 'vitest'
import { Duty } from './duty.js'
import { laggingStore, means, rateStore, SimulatedRun, swing } from './testing/simulated-run.js'

const loads = (run: SimulatedRun) => run.samples.map(({ load }) => load)
const worked = (run: SimulatedRun) => run.samples.map((sample) => sample.worked)

describe('a store that others leave enough of', () => {
  it('is worked on without a rest', () => {
    const run = new SimulatedRun(rateStore(() => 0.3, 0.6)).run(60)
    expect(Math.min(...worked(run))).toBe(1)
    expect(run.told).toEqual([])
  })
})

describe('a store that would have too much to do', () => {
  it.each([
    ['a little', 0.2, 1.2],
    ['half as much again', 0, 1.5],
    ['three times as much', 0.1, 3],
    ['eight times as much', 0, 8],
    ['because of others', 0.7, 1],
  ])('comes to rest below its limit: %s', (_, others, ours) => {
    const run = new SimulatedRun(rateStore(() => others, ours)).run(180)
    const late = means(loads(run).slice(60), 10)
    expect(Math.max(...late)).toBeLessThanOrEqual(1.05)
    // And is not left idle: what is left is used.
    expect(Math.min(...late)).toBeGreaterThan(0.5)
    expect(swing(means(worked(run).slice(60), 10))).toBeLessThan(0.45)
  })

  it('does not swing, though what it says is rough', () => {
    // The same rough series each time: a generator of its own (Park and Miller, 1988).
    let seed = 42
    const rough = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return 0.3 + 0.3 * (seed / 2_147_483_647 - 0.5)
    }
    const run = new SimulatedRun(rateStore(rough, 2)).run(240)
    expect(Math.max(...means(loads(run).slice(90), 10))).toBeLessThanOrEqual(1.05)
    expect(swing(means(worked(run).slice(90), 10))).toBeLessThan(0.35)
  })

  it.each([
    [1.2, 1],
    [1.5, 1],
    [0.4, 0.1],
  ])('comes to rest though its load is what piles up: %d written a second, %d replayed', (writes, replays) => {
    const run = new SimulatedRun(laggingStore(writes, replays)).run(300)
    const late = loads(run).slice(150)
    expect(Math.max(...late)).toBeLessThanOrEqual(1.1)
    expect(Math.min(...late)).toBeGreaterThan(0.4)
    expect(swing(means(worked(run).slice(150), 10))).toBeLessThan(0.35)
  })

  it('remembers what was too much, and is seldom above its limit then', () => {
    const run = new SimulatedRun(laggingStore(3, 1)).run(600)
    const late = loads(run).slice(100)
    expect(late.filter((load) => load > 1).length / late.length).toBeLessThan(0.05)
    expect(Math.min(...means(worked(run).slice(100), 50))).toBeGreaterThan(0.3)
  })

  it('bears even one where each batch is most of what it may lag', () => {
    const run = new SimulatedRun(laggingStore(10, 1)).run(300)
    expect(Math.max(...loads(run).slice(100))).toBeLessThan(2)
    expect(Math.min(...means(worked(run).slice(100), 50))).toBeGreaterThan(0.04)
  })
})

describe('health that comes back', () => {
  it('brings it back to where it was', () => {
    let others = 0.2
    const run = new SimulatedRun(rateStore(() => others, 0.4)).run(20)
    others = 1.5
    run.run(30)
    const low = worked(run).at(-1) ?? 1
    expect(low).toBeLessThan(0.1)
    others = 0.2
    run.run(120)
    expect(worked(run).at(-1)).toBe(1)
  })

  it('takes steps of a fifth at the most, however healthy, and of half at the most, however ill', () => {
    const duty = new Duty()
    duty.read('x', 1.9, 0, 100)
    let before = duty.share
    for (let second = 1; second <= 30; second++) {
      duty.read('x', second < 10 ? 1.99 : 0, second * 1000, 100)
      expect(duty.share / before).toBeLessThanOrEqual(1.2 + 1e-9)
      expect(duty.share / before).toBeGreaterThanOrEqual(0.5 - 1e-9)
      before = duty.share
    }
    // One that is read ten times a second gets no ten steps.
    duty.read('x', 0, 30_100, 100)
    expect(duty.share / before).toBeLessThanOrEqual(1.2 ** 0.1 + 1e-9)
  })

  it('changes nothing within the band below the limit', () => {
    const duty = new Duty()
    duty.read('x', 1.5, 0, 100)
    const { share } = duty
    for (let second = 30; second <= 60; second++) duty.read('x', 0.9, second * 1000, 100)
    const settled = duty.share
    for (let second = 61; second <= 90; second++) duty.read('x', 0.88 + 0.004 * (second % 10), second * 1000, 100)
    expect(duty.share).toBe(settled)
    expect(share).toBeLessThan(1)
  })
})

describe('a load of 2', () => {
  it('makes it stand still, and one below lets it go on, at a hundredth at the least', () => {
    const duty = new Duty()
    duty.read('x', 2, 0, 100)
    expect(duty.isHalted).toBe(true)
    const atHalt = duty.share
    for (let second = 1; second < 60; second++) duty.read('x', 5, second * 1000, 100)
    // Nothing is learnt of its own part while it rests.
    expect(duty.share).toBe(atHalt)
    for (let second = 60; second < 120; second++) duty.read('x', 1.9, second * 1000, 100)
    expect(duty.isHalted).toBe(false)
    expect(duty.share).toBe(0.01)
  })
})

describe('several signals', () => {
  it('are as healthy as the worst of them', () => {
    const duty = new Duty()
    for (let second = 0; second < 20; second++) {
      duty.read('idle', 0, second * 1000, 100)
      duty.read('busy', 1.5, second * 1000 + 500, 100)
    }
    expect(duty.share).toBeLessThan(0.05)
    expect(duty.culprit).toBe('busy')
  })

  it('hold it where it is while one of them is not known', () => {
    const duty = new Duty()
    duty.read('a', 1.6, 0, 100)
    const { share } = duty
    duty.read('b', 1, 0, 100)
    for (let second = 20; second < 60; second++) {
      duty.read('a', 0, second * 1000, 100)
      duty.read('b', 1, second * 1000, 100)
    }
    expect(duty.share).toBeLessThanOrEqual(share)
    expect(duty.binding).toBe('b')
  })
})
