import type { Progress } from '../contracts/events.js'
import type { Report } from '../contracts/report.js'
import type { Stall } from '../contracts/stall.js'
import type { RunEventSource } from '../engine/run-emitter.js'
import { counted, duration, grouped, nothingToDo, oneLine, rate } from './text.js'

/** Carriage return, and erase the line: https://www.xfree86.org/current/ctlseqs.html (CSI 2 K). */
const clearLine = '\r\u001b[2K'

/**
 * Shows the progress of a run: on a terminal one line that is redrawn, elsewhere plain lines, one per second at the most.
 * The last line is the outcome; of a run that failed, how far it came. Gives a function that ends it.
 */
export function attachProgress(events: Pick<RunEventSource, 'on' | 'off'>, stream: NodeJS.WritableStream): () => void {
  const line = isTerminal(stream) ? new RedrawnLine(stream) : new PlainLines(stream)
  const onProgress = (progress: Progress) => line.show(progress)
  const onStalled = ({ name, message }: Stall) => line.note(`${name}: ${message}`)
  const onFinished = (report: Report) => line.end(finishedParts(report))
  const onFailed = () => line.end(undefined)
  events.on('run:progress', onProgress)
  events.on('run:stalled', onStalled)
  events.on('run:finished', onFinished)
  events.on('run:failed', onFailed)
  return () => {
    line.end(undefined)
    events.off('run:progress', onProgress)
    events.off('run:stalled', onStalled)
    events.off('run:finished', onFinished)
    events.off('run:failed', onFailed)
  }
}

/** How far a run has come, as one line for people: rate, percent, time left, rejects, and what holds it back. */
export function formatProgress(progress: Progress): string {
  return oneLine(progressParts(progress).join(', '), Number.POSITIVE_INFINITY)
}

/** The parts of a line of progress, the most important first: what does not fit is left out from the end. */
export function progressParts(progress: Progress): string[] {
  const { name, counts, total, estimated, recordsPerSecond, etaMs, throttle } = progress
  const about = estimated ? '~' : ''
  // More was read than was counted: what is left, nobody knows.
  const isBeyond = total !== undefined && counts.read > total
  const read =
    total === undefined || isBeyond
      ? counted(counts.read, 'record')
      : `${grouped(counts.read)} of ${about}${counted(total, 'record')}`
  const parts = [`${name}: ${read}`]
  if (total !== undefined && total > 0 && !isBeyond) parts.push(`${about}${percent(counts.read / total)}`)
  parts.push(rate(recordsPerSecond))
  // Once everything was read, what is left is to finish: that takes no time that anybody could tell.
  if (etaMs !== undefined && total !== undefined && counts.read < total) parts.push(`ETA ${about}${duration(etaMs)}`)
  if (counts.rejected > 0) parts.push(`${grouped(counts.rejected)} rejected`)
  if (throttle !== undefined) parts.push(`held back: ${throttle.reason.replace(/\.$/, '')}`)
  return parts
}

/** Rounded down: 100 % is said when everything was read, not before. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}

/** How a run ended: what the run has read, and what of it this call, and how fast. */
function finishedParts({ name, status, counts, attempt, completedAt }: Report): string[] {
  if (status === 'nothing') return [`${name}: ${nothingToDo(completedAt)}`]
  const own = attempt.counts.read
  const took = duration(attempt.durationMs)
  const parts = [`${name}: ${status}`]
  if (own === counts.read) parts.push(`${counted(own, 'record')} in ${took}`)
  else parts.push(counted(counts.read, 'record'), `${grouped(own)} of them now in ${took}`)
  if (counts.rejected > 0) parts.push(`${grouped(counts.rejected)} rejected`)
  if (own > 0 && attempt.durationMs > 0) parts.push(rate((own / attempt.durationMs) * 1000))
  return parts
}

function isTerminal(stream: NodeJS.WritableStream): stream is NodeJS.WriteStream {
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true
}

const leastOfSentence = 24

/** One line of a terminal, drawn again and again. */
class RedrawnLine {
  #isOpen = false

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(progress: Progress): void {
    this.#draw(progressParts(progress))
  }

  /** A line that stays, in front of the one that is redrawn. */
  note(text: string): void {
    this.stream.write(`${clearLine}${oneLine(text, 1000)}\n`)
    this.#isOpen = false
  }

  end(outcome: string[] | undefined): void {
    if (outcome !== undefined) this.#draw(outcome)
    if (this.#isOpen) this.stream.write('\n')
    this.#isOpen = false
  }

  #draw(parts: string[]): void {
    // The last column stays free: some terminals wrap once it is written.
    const columns = (this.stream.columns || 80) - 1
    while (parts.length > 1 && parts.join(', ').length > columns) {
      const last = parts.pop() ?? ''
      // Of a sentence the beginning says something, of a number it would say something else.
      const room = columns - `${parts.join(', ')}, `.length
      if (last.length > leastOfSentence && room >= leastOfSentence) {
        parts.push(oneLine(last, room))
        break
      }
    }
    this.stream.write(`${clearLine}${oneLine(parts.join(', '), columns)}`)
    this.#isOpen = true
  }
}

/** Lines for a file or a log: none in the first second, and none that says no more than the outcome behind it. */
class PlainLines {
  #second = 0
  #unsaid: string | undefined
  /** How far the run was when the last line was written. */
  #said: number | undefined
  #wasAtEnd = false

  constructor(private readonly stream: NodeJS.WritableStream) {}

  show(progress: Progress): void {
    const { counts, total, elapsedMs } = progress
    const second = Math.floor(elapsedMs / 1000)
    const isAtEnd = total !== undefined && counts.read >= total
    // Where everything was read, the outcome mostly follows at once.
    const isDue = second > this.#second && (!isAtEnd || this.#wasAtEnd)
    this.#wasAtEnd = isAtEnd
    const text = progressParts(progress).join(', ')
    this.#unsaid = isDue || counts.read === this.#said ? undefined : text
    if (!isDue) return
    this.#second = second
    this.#said = counts.read
    this.#write(text)
  }

  note(text: string): void {
    this.#write(text)
  }

  end(outcome: readonly string[] | undefined): void {
    const text = outcome?.join(', ') ?? this.#unsaid
    this.#unsaid = undefined
    if (text !== undefined) this.#write(text)
  }

  #write(text: string): void {
    this.stream.write(`${oneLine(text, 1000)}\n`)
  }
}
