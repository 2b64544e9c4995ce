import { DroverError, type ErrorCode } from '@drover/core'

/** How the command ends: what scripts and schedulers look at. */
export const exitCodes = {
  /** All is done, or there was nothing to do. */
  done: 0,
  /** Something failed. What was committed stays; a run goes on from there when it is called again. */
  failed: 1,
  /** The command line, the file or a module is not right. Nothing was begun. */
  usage: 2,
  /** All is done, but some records were rejected. */
  rejects: 3,
  /** Ended before its end, by a signal, an operator or a limit; the same call goes on from there. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What is wrong with what the user gave, as opposed to what failed while it was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'

  constructor(override readonly cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Refuses what the user gave. */
export function refuseUsage(code: ErrorCode, message: string): never {
  throw new UsageError(new DroverError(code, message))
}

/** What fails in here is the user's to mend: nothing was begun. */
export async function preparing<T>(prepare: () => T | Promise<T>): Promise<Awaited<T>> {
  try {
    return await prepare()
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error)
  }
}
