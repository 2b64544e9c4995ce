import type { Sink } from '@drover/core'

/** Where a process ends: in its second batch, before the store commits it, or before anybody hears of that. */
export type Ending = 'before the commit' | 'behind the commit'

/** The same sink in a process that ends there. */
export function killedSink<R>(sink: Sink<R>, ending: Ending): Sink<R> {
  let batches = 0
  let isDead = false
  const kill = (): never => {
    isDead = true
    throw new Error('killed')
  }
  /** Whether it is the last batch. What is dead does nothing more, also where a batch that failed is looked into. */
  const begins = (): boolean => (isDead ? kill() : ++batches === 2)
  if (sink.guarantee !== 'exactly-once') {
    return {
      ...sink,
      connect: async (operation) => {
        const session = await sink.connect(operation)
        const write = session.write.bind(session)
        return Object.assign(session, {
          write: async (...args: Parameters<typeof write>) => {
            const isLast = begins()
            const outcome = await write(...args)
            return isLast ? kill() : outcome
          },
        })
      },
    }
  }
  return {
    ...sink,
    connect: async (operation) => {
      const session = await sink.connect(operation)
      const write = session.write.bind(session)
      return Object.assign(session, {
        write: async (...[batch, options]: Parameters<typeof write>) => {
          const isLast = begins()
          const commit: typeof batch.commit = (outcome) =>
            isLast && ending === 'before the commit' ? kill() : batch.commit(outcome)
          const { partition, sequence } = batch
          await write(
            { partition, sequence, commit, [Symbol.asyncIterator]: () => batch[Symbol.asyncIterator]() },
            options,
          )
          if (isLast) kill()
        },
      })
    },
  }
}
