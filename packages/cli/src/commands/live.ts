import { DroverError, formatReport, type LiveRun, type Logger, type Report } from '@drover/core'
import { type ExitCode, exitCodes, UsageError } from '../exit-codes.js'
import { tellBatches } from '../terminal/batch-lines.js'
import { stopOnSignals } from '../terminal/interruption.js'
import { tellEvents } from '../terminal/run-events.js'
import type { OutputStream, Surroundings } from '../terminal/surroundings.js'
import type { Voice } from '../terminal/voice.js'

/** How a run is watched. */
export interface Watching {
  readonly voice: Voice
  readonly surroundings: Surroundings
  /** The command that goes on where the run stands. */
  readonly again: string
  /** What to say of an option that was refused when the stores were looked at. @default the error itself */
  readonly explain?: (error: unknown) => unknown
}

/** Follows a run to its end, tells what became of it, and gives the exit code. */
export async function follow(
  run: LiveRun,
  { voice, surroundings, again, explain = (error) => error }: Watching,
  isVerbose = false,
): Promise<ExitCode> {
  const unhook = stopOnSignals(run, voice, surroundings, again)
  tellEvents(run, voice)
  if (isVerbose) tellBatches(run, voice)
  if (!voice.isJson) notePauses(run, voice)
  let hasStarted = false
  run.events.on('run:started', () => {
    hasStarted = true
  })
  try {
    const report = await run.result
    if (!voice.isJson) voice.tell(formatReport(report), report)
    if (report.status === 'stopped') voice.note(`Go on with: ${again}`)
    return codeOf(report)
  } catch (error) {
    // Some of what was asked for is found to be wrong only where the store has been looked at: of two layouts none was named.
    const isUsage = !hasStarted && DroverError.isInstance(error, 'OPTION_INVALID', 'NAME_UNKNOWN')
    voice.fail(isUsage ? new UsageError(explain(error)) : error)
    if (hasStarted) voice.note(`What was committed stays. Once that is mended, go on with: ${again}`)
    return isUsage ? exitCodes.usage : exitCodes.failed
  } finally {
    unhook()
  }
}

/** A run that an operator has paused looks like one that hangs, if nobody says so. */
function notePauses({ events }: LiveRun, voice: Voice): void {
  events.on('run:paused', ({ name }) => voice.note(`${name} is paused until it is resumed: drover resume`))
  events.on('run:resumed', ({ name }) => voice.note(`${name} goes on.`))
}

function codeOf({ status, counts }: Report): ExitCode {
  if (status === 'stopped') return exitCodes.interrupted
  return counts.rejected > 0 ? exitCodes.rejects : exitCodes.done
}

/** Where the progress line goes: one that is redrawn on a terminal, plain lines elsewhere, nothing beside lines of JSON. */
export function progressOf(
  { voice, surroundings }: Pick<Watching, 'voice' | 'surroundings'>,
  options: { readonly quiet?: boolean; readonly verbose?: boolean },
): Progressing {
  const { stderr } = voice
  const logger = options.verbose === true ? { logger: loggerTo(stderr) } : {}
  if (voice.isJson || options.quiet === true) return logger
  return { ...logger, progress: options.verbose === true || surroundings.env.TERM === 'dumb' ? plain(stderr) : stderr }
}

interface Progressing {
  readonly progress?: NodeJS.WritableStream
  readonly logger?: Logger
}

function loggerTo(stream: OutputStream): Logger {
  const line = (level: string) => (message: string) => {
    stream.write(`${level} ${message}\n`)
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

/** The same stream as one that is no terminal: lines of the log come between those of the progress. */
function plain(stream: OutputStream): NodeJS.WritableStream {
  return Object.create(stream, {
    isTTY: { value: false },
    write: { value: (text: string) => stream.write(text) },
  }) as NodeJS.WritableStream
}
