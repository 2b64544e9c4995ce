import { DroverError, type Operation, type Sink, type SourceSession } from '@drover/core'
import { overriding } from './overriding.js'

/**
 * The destination of an archive: what it holds already stays. A file begins a run anew unless the partition says where an earlier one
 * ended, and what an earlier archive wrote is nowhere else any more.
 */
export function continuedSink<R>(to: Sink<R>): Sink<R> {
  if (to.guarantee !== 'exactly-once') return to
  return {
    ...to,
    connect: async (operation) => {
      const session = await to.connect(operation)
      return overriding(session, {
        claim: (claim, how) => session.claim({ ...claim, partition: { ...claim.partition, start: 'archive' } }, how),
      })
    },
  }
}

/** What the destination holds, open to be read. */
export interface OpenDestination extends AsyncDisposable {
  readonly session: SourceSession
}

/** @throws `OPTION_INVALID` if it cannot be read back */
export async function openDestination<R>(to: Sink<R>, operation: Operation): Promise<OpenDestination> {
  const sink = await to.connect(operation)
  try {
    const back = sink.readBack?.()
    if (back === undefined) {
      throw new DroverError(
        'OPTION_INVALID',
        `${to.name} cannot be read back, so nothing that is copied there can be verified, and nothing is deleted. Archive to a sink that has a key, or to files.`,
      )
    }
    const session = await back.connect(operation)
    return {
      session,
      [Symbol.asyncDispose]: async () => {
        try {
          await session[Symbol.asyncDispose]()
        } finally {
          await sink[Symbol.asyncDispose]()
        }
      },
    }
  } catch (error) {
    await sink[Symbol.asyncDispose]()
    throw error
  }
}
