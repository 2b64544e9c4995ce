import type { ExitCode } from '../exit-codes.js'
import type { Watching } from './live.js'

/** Makes of what a command does what commander calls: it is given the arguments in their order, and the flags. */
export type Acting = (
  act: (watching: Watching, args: readonly string[], flags: object) => Promise<ExitCode>,
) => (...given: unknown[]) => Promise<void>
