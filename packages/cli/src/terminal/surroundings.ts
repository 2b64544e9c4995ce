import type { Readable, Writable } from 'node:stream'

/** What of the process the command touches: tests give it others. */
export interface Surroundings {
  /** Answers, where something is asked for. Without it nobody answers. */
  readonly stdin?: Readable & Pick<Partial<NodeJS.ReadStream>, 'isTTY'>
  /** Results. */
  readonly stdout: OutputStream
  /** Progress, notes and errors. */
  readonly stderr: OutputStream
  readonly env: NodeJS.ProcessEnv
  readonly signals: Pick<NodeJS.Process, 'on' | 'off'>
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}

/** A stream that may be a terminal. */
export type OutputStream = Writable & Pick<Partial<NodeJS.WriteStream>, 'isTTY' | 'columns' | 'hasColors'>

/** Those of this process. */
export function ownSurroundings(): Surroundings {
  return {
    // Opening it has effects of its own: only who asks something does.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signals: process,
    exit: (code) => process.exit(code),
  }
}
