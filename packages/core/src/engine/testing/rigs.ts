import type { CommitBatch, ExactSession, ExactSink } from '../../contracts/sink.js'
import type { Source, SourceSession } from '../../contracts/source.js'
import { DroverError } from '../../errors/drover-error.js'
import { memorySource } from '../../memory/memory-source.js'

export interface Numbered {
  readonly id: number
}

export const numbers = (count: number): Numbered[] => Array.from({ length: count }, (_, i) => ({ id: i + 1 }))
export const source = (count: number): Source<Numbered> => memorySource({ records: numbers(count), key: 'id' })
export const ids = (rows: readonly object[]): number[] => rows.map((row) => (row as Numbered).id)
export const signal = new AbortController().signal
export const transient = (message = 'busy'): DroverError =>
  new DroverError('STORE_BUSY', message, { isRetryable: true })

/** What work fails with; it is one of ours, whatever happens. */
export async function failure(work: Promise<unknown>): Promise<DroverError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw new Error(`expected a DroverError, got ${String(error)}`)
  return error
}

/** Something with some of its methods replaced; the others are its own, called on it. */
export function but<T extends object>(inner: T, own: { readonly [K in keyof T]?: T[K] }): T {
  return new Proxy(inner, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return own[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    has: (target, name) => Object.hasOwn(own, name) || name in target,
  })
}

/** An exact sink whose sessions are changed. */
export function withSession<R>(
  sink: ExactSink<R>,
  change: (session: ExactSession<R>) => { readonly [K in keyof ExactSession<R>]?: ExactSession<R>[K] },
): ExactSink<R> {
  return but(sink, {
    connect: async (operation) => {
      const session = await sink.connect(operation)
      return but(session, change(session))
    },
  })
}

/** A source whose sessions are changed. */
export function withReading<R>(
  inner: Source<R>,
  change: (session: SourceSession<R>) => { readonly [K in keyof SourceSession<R>]?: SourceSession<R>[K] },
): Source<R> {
  return but(inner, {
    connect: async (operation) => {
      const session = await inner.connect(operation)
      return but(session, change(session))
    },
  })
}

/** A sink that ends each batch after so many pages. */
export function leavingAfter<R>(pages: number, sink: ExactSink<R>): ExactSink<R> {
  const fewer = (batch: CommitBatch<R>): CommitBatch<R> => ({
    partition: batch.partition,
    sequence: batch.sequence,
    commit: (outcome) => batch.commit(outcome),
    async *[Symbol.asyncIterator]() {
      let left = pages
      for await (const page of batch) {
        yield page
        if (--left === 0) return
      }
    },
  })
  return withSession(sink, (session) => ({ write: (batch, operation) => session.write(fewer(batch), operation) }))
}
