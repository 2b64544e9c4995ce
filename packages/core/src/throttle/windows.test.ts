import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RunWindow, Windows } from './windows.js'

const vienna = 'Europe/Vienna'
const at = (text: string) => Date.parse(text)
const open = (window: RunWindow, instant: string) => new Windows([window], 'test').isOpen(at(instant))
const changes = (window: RunWindow, instant: string) =>
  new Date(new Windows([window], 'test').changesAt(at(instant))).toISOString()

describe('a window', () => {
  it('goes by the clocks of its zone, over midnight', () => {
    const night = { from: '22:00', to: '06:00', zone: vienna }
    expect(open(night, '2026-01-10T20:59:59Z')).toBe(false)
    expect(open(night, '2026-01-10T21:00:00Z')).toBe(true)
    expect(open(night, '2026-01-11T04:59:59Z')).toBe(true)
    expect(open(night, '2026-01-11T05:00:00Z')).toBe(false)
    // Summer time: an hour earlier.
    expect(open(night, '2026-07-10T20:00:00Z')).toBe(true)
    expect(open(night, '2026-07-11T04:00:00Z')).toBe(false)
  })

  it('opens on its days, and stays open into the next one', () => {
    const weekend: RunWindow = { from: '20:00', to: '04:00', zone: 'UTC', days: ['fri', 'sat'] }
    // 2026-03-06 is a Friday.
    expect(open(weekend, '2026-03-05T21:00:00Z')).toBe(false)
    expect(open(weekend, '2026-03-06T21:00:00Z')).toBe(true)
    expect(open(weekend, '2026-03-08T03:00:00Z')).toBe(true)
    expect(open(weekend, '2026-03-08T21:00:00Z')).toBe(false)
    expect(changes(weekend, '2026-03-08T21:00:00Z')).toBe('2026-03-13T20:00:00.000Z')
  })

  it('goes by the day of its zone, not by that of UTC', () => {
    const monday: RunWindow = { from: '00:00', to: '02:00', zone: 'Pacific/Auckland', days: ['mon'] }
    // Midnight of Monday, 2026-03-09, in Auckland (+13).
    expect(open(monday, '2026-03-08T11:00:00Z')).toBe(true)
    expect(open(monday, '2026-03-08T13:00:00Z')).toBe(false)
    const honolulu: RunWindow = { from: '22:00', to: '24:00', zone: 'Pacific/Honolulu', days: ['mon'] }
    expect(open(honolulu, '2026-03-10T08:00:00Z')).toBe(true)
    expect(open(honolulu, '2026-03-10T10:00:00Z')).toBe(false)
  })

  it('is an hour shorter or longer in the night in which the clocks change', () => {
    const night = { from: '01:00', to: '05:00', zone: vienna }
    const hours = (from: string) => (at(changes(night, from)) - at(from)) / 3_600_000
    expect(hours('2026-03-29T00:00:00Z')).toBe(3)
    expect(hours('2026-10-24T23:00:00Z')).toBe(5)
    expect(hours('2026-03-28T00:00:00Z')).toBe(4)
  })

  it('of a time that the clocks skip is as long as ever if it lies within, and does not open if it ends where they go on', () => {
    const within = { from: '02:10', to: '02:50', zone: vienna }
    expect(changes(within, '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:10:00.000Z')
    expect(changes(within, '2026-03-29T01:10:00Z')).toBe('2026-03-29T01:50:00.000Z')
    const ending = { from: '02:30', to: '03:00', zone: vienna }
    expect(changes(ending, '2026-03-28T12:00:00Z')).toBe('2026-03-30T00:30:00.000Z')
  })

  it('of a time that the clocks show twice opens the first time', () => {
    const twice = { from: '02:10', to: '02:50', zone: vienna }
    expect(changes(twice, '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:10:00.000Z')
    expect(changes(twice, '2026-10-25T00:10:00Z')).toBe('2026-10-25T00:50:00.000Z')
    expect(changes(twice, '2026-10-25T00:50:00Z')).toBe('2026-10-26T01:10:00.000Z')
  })

  it('that follows another one without a gap is one with it, and a whole week never closes', () => {
    const days: RunWindow[] = [
      { from: '06:00', to: '18:00', zone: 'UTC' },
      { from: '18:00', to: '06:00', zone: 'UTC' },
    ]
    const always = new Windows(days, 'test')
    expect(always.isOpen(at('2026-05-05T05:59:59Z'))).toBe(true)
    expect(always.changesAt(at('2026-05-05T05:59:59Z'))).toBe(Number.POSITIVE_INFINITY)
  })

  it('says the same at every instant, whatever it was asked before', () => {
    const windows = (): Windows =>
      new Windows(
        [
          { from: '23:30', to: '02:30', zone: 'America/St_Johns', days: ['sun', 'wed'] },
          { from: '12:00', to: '13:00', zone: 'Asia/Kathmandu' },
        ],
        'test',
      )
    const one = windows()
    const year = { min: at('2026-01-01T00:00Z'), max: at('2027-01-01T00:00Z') }
    fc.assert(
      fc.property(fc.array(fc.integer(year), { minLength: 1, maxLength: 4 }), (instants) => {
        for (const instant of instants) {
          const fresh = windows()
          expect(one.isOpen(instant)).toBe(fresh.isOpen(instant))
          const until = fresh.changesAt(instant)
          expect(one.changesAt(instant)).toBe(until)
          expect(fresh.isOpen(until - 1)).toBe(fresh.isOpen(instant))
          expect(windows().isOpen(until)).toBe(!fresh.isOpen(instant))
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('work in windows', () => {
  const night = new Windows([{ from: '22:00', to: '23:00', zone: 'UTC' }], 'test')
  const minutes = 60_000

  it('ends in the same one if it is short', () => {
    expect(night.endOf(at('2026-05-05T22:10Z'), 20 * minutes)).toBe(at('2026-05-05T22:30Z'))
  })

  it('waits for the next one, and goes on in those behind it', () => {
    expect(night.endOf(at('2026-05-05T12:00Z'), 20 * minutes)).toBe(at('2026-05-05T22:20Z'))
    expect(night.endOf(at('2026-05-05T22:30Z'), 100 * minutes)).toBe(at('2026-05-07T22:10Z'))
  })

  it('of years is told without looking at every day of them', () => {
    const end = night.endOf(at('2026-05-05T12:00Z'), 1_000 * 60 * minutes)
    expect((end - at('2026-05-05T12:00Z')) / 86_400_000).toBeGreaterThan(950)
    expect((end - at('2026-05-05T12:00Z')) / 86_400_000).toBeLessThan(1_050)
  })
})
