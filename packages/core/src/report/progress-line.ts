import type { Progress } from '../contracts/events.js'
import type { Report } from '../contracts/report.js'
import type { RunEventSource } from '../engine/run-emitter.js'
import { counted, duration, grouped, oneLine, rate } from './text.js'

/** Carriage return, and erase the line: https://www.xfree86.org/current/ctlseqs.html (CSI 2 K). */
const clearLine = '\r\u001b[2K'

/**
 * Shows the progress of a run: on a terminal one line that is redrawn, elsewhere plain lines, one per second at the most,
 * and the last in any case. Gives a function that ends it.
 */
export function attachProgress(events: Pick<RunEventSource, 'on' | 'off'>, stream: NodeJS.WritableStream): () => void {
  const line = isTerminal(stream) ? new RedrawnLine(stream) : new PlainLines(stream)
  const onProgress = (progress: Progress) => line.show(progress)
  const onFinished = (report: Report) => line.end(finishedText(report))
  const onFailed = () => line.end(undefined)
  events.on('run:progress', onProgress)
  events.on('run:finished', onFinished)
  events.on('run:failed', onFailed)
  return () => {
    line.end(undefined)
    events.off('run:progress', onProgress)
    events.off('run:finished', onFinished)
    events.off('run:failed', onFailed)
  }
}

/** The parts of a line of progress, the most important first: what does not fit is left out from the end. */
export function progressParts(progress: Progress): string[] {
  const { name, counts, total, estimated, recordsPerSecond, etaMs } = progress
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
  if (etaMs !== undefined && !isBeyond) parts.push(`ETA ${about}${duration(etaMs)}`)
  if (counts.rejected > 0) parts.push(`${grouped(counts.rejected)} rejected`)
  return parts
}

/** Rounded down: 100 % is said when everything was read, not before. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}

function finishedText({ name, status, attempt }: Report): string {
  if (status === 'nothing') return `${name}: nothing to do, it had completed before`
  const seconds = attempt.durationMs / 1000
  const speed = seconds > 0 ? `, ${rate(attempt.counts.read / seconds)}` : ''
  return `${name}: ${status}, ${counted(attempt.counts.read, 'record')} read in ${duration(attempt.durationMs)}${speed}`
}

function isTerminal(stream: NodeJS.WritableStream): stream is NodeJS.WriteStream {
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true
}

/** One line of a terminal, drawn again and again. */
class RedrawnLine {
  #isOpen = false

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(progress: Progress): void {
    // The last column stays free: some terminals wrap once it is written.
    const columns = (this.stream.columns || 80) - 1
    const parts = progressParts(progress)
    while (parts.length > 1 && parts.join(', ').length > columns) parts.pop()
    this.#draw(parts.join(', '), columns)
  }

  end(text: string | undefined): void {
    if (text !== undefined) this.#draw(text, (this.stream.columns || 80) - 1)
    if (this.#isOpen) this.stream.write('\n')
    this.#isOpen = false
  }

  #draw(text: string, columns: number): void {
    this.stream.write(`${clearLine}${oneLine(text, columns)}`)
    this.#isOpen = true
  }
}

/** Lines for a file or a log. */
class PlainLines {
  #second = -1
  #unsaid: string | undefined

  constructor(private readonly stream: NodeJS.WritableStream) {}

  show(progress: Progress): void {
    const text = progressParts(progress).join(', ')
    const second = Math.floor(progress.elapsedMs / 1000)
    this.#unsaid = second === this.#second ? text : undefined
    if (this.#unsaid !== undefined) return
    this.#second = second
    this.#write(text)
  }

  end(text: string | undefined): void {
    if (this.#unsaid !== undefined) this.#write(this.#unsaid)
    this.#unsaid = undefined
    if (text !== undefined) this.#write(text)
  }

  #write(text: string): void {
    this.stream.write(`${oneLine(text, 1000)}\n`)
  }
}
