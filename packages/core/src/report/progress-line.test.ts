import { Writable } from 'node:stream'
import { EventEmitter } from 'eventemitter3'
import { describe, expect, it } from 'vitest'
import type { Progress } from '../contracts/events.js'
import type { Counts } from '../contracts/position.js'
import type { Report } from '../contracts/report.js'
import { attachProgress, formatProgress } from './progress-line.js'

const clear = '\r\u001b[2K'
const noCounts: Counts = {
  read: 0,
  written: 0,
  filtered: 0,
  rejected: 0,
  emitted: 0,
  inserted: 0,
  updated: 0,
  skipped: 0,
}

type Change = Partial<Omit<Progress, 'counts'>> & Partial<Counts>

function progress({ read = 250, rejected = 0, ...change }: Change = {}): Progress {
  return {
    name: 'copy',
    run: 'r',
    counts: { ...noCounts, read, rejected },
    estimated: false,
    recordsPerSecond: 1500,
    elapsedMs: 1000,
    ...change,
  }
}

const finished: Report = {
  name: 'copy',
  run: 'r',
  status: 'completed',
  guarantee: 'exactly-once',
  source: 'a',
  sink: 'b',
  startedAt: new Date(0),
  finishedAt: new Date(0),
  counts: { ...noCounts, read: 3000 },
  attempt: { counts: { ...noCounts, read: 3000 }, batches: 3, durationMs: 1500, resumed: false, retries: 0 },
  partitions: [],
  rejected: [],
  warnings: [],
}

/** A stream that keeps what is written to it, a terminal if it has columns. */
function shownOn(terminal?: { columns: number }) {
  const written: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(text, _, done) {
      written.push(String(text))
      done()
    },
  })
  if (terminal !== undefined) Object.assign(stream, { isTTY: true, columns: terminal.columns })
  const events = new EventEmitter()
  const detach = attachProgress(events as never, stream)
  return { events, written, detach, stream, emit: (change?: Change) => events.emit('run:progress', progress(change)) }
}

/** The line of a run that failed there: the last one is written whatever it says. */
function plainLine(change: Change): string {
  const { emit, written, detach } = shownOn()
  emit(change)
  detach()
  return written.join('')
}

describe('a line', () => {
  it('shows what was read, the share, the rate and the time left', () => {
    expect(plainLine({ total: 1000, etaMs: 65_000 })).toBe(
      'copy: 250 of 1,000 records, 25.0 %, 1,500/s, ETA 1 min 05 s\n',
    )
  })

  it('says that a total is an estimate, and all that follows from it', () => {
    expect(plainLine({ total: 1000, estimated: true, etaMs: 500 })).toBe(
      'copy: 250 of ~1,000 records, ~25.0 %, 1,500/s, ETA ~500 ms\n',
    )
  })

  it('shows neither share nor time left without a total, nor when more was read than was counted', () => {
    expect(plainLine({})).toBe('copy: 250 records, 1,500/s\n')
    expect(plainLine({ total: 200, estimated: true, etaMs: 0 })).toBe('copy: 250 records, 1,500/s\n')
    expect(plainLine({ read: 0, total: 0 })).toBe('copy: 0 of 0 records, 1,500/s\n')
  })

  it('does not say 100 % before everything was read', () => {
    expect(plainLine({ read: 9999, total: 10_000 })).toContain(', 99.9 %,')
    expect(plainLine({ read: 10_000, total: 10_000 })).toContain(', 100.0 %,')
  })

  it('shows no time left where nothing is left', () => {
    expect(plainLine({ read: 1000, total: 1000, etaMs: 0 })).toBe('copy: 1,000 of 1,000 records, 100.0 %, 1,500/s\n')
  })

  it('counts what was rejected', () => {
    expect(plainLine({ rejected: 2 })).toContain('2 rejected')
  })

  it('says what holds the run back', () => {
    const throttle = { reason: 'replica lag is 2.1 s of 1.0 s', restMs: 500 }
    expect(plainLine({ throttle })).toBe('copy: 250 records, 1,500/s, held back: replica lag is 2.1 s of 1.0 s\n')
    expect(formatProgress(progress({ throttle }))).toBe(
      'copy: 250 records, 1,500/s, held back: replica lag is 2.1 s of 1.0 s',
    )
    const { emit, written } = shownOn({ columns: 60 })
    emit({ throttle })
    expect(written.join('')).toBe(`${clear}copy: 250 records, 1,500/s, held back: replica lag is 2.1 …`)
  })
})

describe('on a terminal', () => {
  it('is drawn again in its place, and ended with the outcome', () => {
    const { emit, events, written } = shownOn({ columns: 80 })
    emit()
    emit({ read: 300 })
    events.emit('run:finished', finished)
    expect(written.join('')).toBe(
      `${clear}copy: 250 records, 1,500/s${clear}copy: 300 records, 1,500/s${clear}copy: completed, 3,000 records in 1.5 s, 2,000/s\n`,
    )
  })

  it('is never wider than the terminal, and leaves out the less important first', () => {
    for (let columns = 1; columns < 90; columns++) {
      const { emit, events, written } = shownOn({ columns })
      emit({ name: '記録', total: 1_000_000, estimated: true, etaMs: 1e6, rejected: 5 })
      events.emit('run:finished', finished)
      for (const line of written.join('').split(/[\r\n]/)) {
        const visible = line.replace('\u001b[2K', '')
        expect(visible.length + (visible.match(/[記録]/g)?.length ?? 0)).toBeLessThan(columns)
      }
    }
    const { emit, written } = shownOn({ columns: 40 })
    emit({ total: 1000, etaMs: 65_000 })
    expect(written.join('')).toBe(`${clear}copy: 250 of 1,000 records, 25.0 %`)
  })

  it('follows the terminal when it is resized, and takes 80 columns if it does not say', () => {
    const { emit, written, stream } = shownOn({ columns: 0 })
    emit({ name: 'n'.repeat(100) })
    Object.assign(stream, { columns: 20 })
    emit({ name: 'n'.repeat(100) })
    expect(written.map((text) => text.length - clear.length)).toEqual([79, 19])
  })

  it('is ended by a failure and by detaching, once', () => {
    const { emit, events, written, detach } = shownOn({ columns: 80 })
    emit()
    events.emit('run:failed', { name: 'copy', error: new Error() })
    detach()
    emit()
    expect(written).toEqual([`${clear}copy: 250 records, 1,500/s`, '\n'])
  })
})

describe('elsewhere', () => {
  const firstParts = (written: readonly string[]) => written.map((line) => line.split(', ')[0])

  it('writes one line per second at the most, and of a run that failed how far it came', () => {
    const { emit, events, written } = shownOn()
    for (let elapsedMs = 0; elapsedMs <= 2500; elapsedMs += 100) emit({ read: elapsedMs / 10, elapsedMs })
    events.emit('run:failed', { name: 'copy', error: new Error() })
    expect(firstParts(written)).toEqual(['copy: 100 records', 'copy: 200 records', 'copy: 250 records'])
  })

  it('says once how far a run came, though it failed later in that second', () => {
    const { emit, events, written, detach } = shownOn()
    emit({ elapsedMs: 1000 })
    emit({ elapsedMs: 1900, recordsPerSecond: 700 })
    events.emit('run:failed', { name: 'copy', error: new Error() })
    detach()
    expect(firstParts(written)).toEqual(['copy: 250 records'])
  })

  it('says of a short run no more than the outcome', () => {
    const { emit, events, written, detach } = shownOn()
    emit({ read: 1000, total: 3000, elapsedMs: 300 })
    emit({ read: 3000, total: 3000, elapsedMs: 900, etaMs: 0 })
    events.emit('run:finished', finished)
    detach()
    expect(written).toEqual(['copy: completed, 3,000 records in 1.5 s, 2,000/s\n'])
  })

  it('does not say that all was read in front of the outcome, unless that takes long', () => {
    const { emit, events, written } = shownOn()
    emit({ read: 3000, total: 3000, elapsedMs: 1010 })
    events.emit('run:finished', finished)
    expect(firstParts(written)).toEqual(['copy: completed'])
    emit({ read: 2999, total: 3000, elapsedMs: 2000 })
    for (const elapsedMs of [3000, 4000, 5000]) emit({ read: 3000, total: 3000, elapsedMs })
    events.emit('run:finished', finished)
    expect(firstParts(written.slice(1))).toEqual([
      'copy: 2,999 of 3,000 records',
      'copy: 3,000 of 3,000 records',
      'copy: 3,000 of 3,000 records',
      'copy: completed',
    ])
  })

  it('ends with the outcome of the run, and what of it this call did', () => {
    const { events, written } = shownOn()
    const completedAt = new Date('2025-01-31T08:30:04Z')
    const counts = { ...noCounts, read: 3000, rejected: 2 }
    const end = (report: Partial<Report>) =>
      events.emit('run:finished', { ...finished, counts, completedAt, ...report })
    end({ status: 'nothing' })
    end({ status: 'stopped', reason: 'SIGTERM' })
    end({ counts: { ...counts, read: 5000, rejected: 0 } })
    end({ counts, attempt: { ...finished.attempt, counts: noCounts } })
    expect(written).toEqual([
      'copy: nothing to do, completed since 2025-01-31T08:30:04.000Z\n',
      'copy: stopped, 3,000 records in 1.5 s, 2 rejected, 2,000/s\n',
      'copy: completed, 5,000 records, 3,000 of them now in 1.5 s, 2,000/s\n',
      'copy: completed, 3,000 records, 0 of them now in 1.5 s, 2 rejected\n',
    ])
  })

  it('moves no cursor, whatever the name is', () => {
    expect(plainLine({ name: 'a\u001b[2Jb\n' })).toBe('a [2Jb : 250 records, 1,500/s\n')
  })
})
