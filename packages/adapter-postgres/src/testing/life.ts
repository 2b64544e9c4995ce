import type { ExactSink, Row, Sink } from '@drover/core'
import { overriding } from '../archive/overriding.js'

/** Ends after so many steps of all its sinks; from then on nothing of it gets through. */
export class Life {
  /** @param die Gives what every later step fails with, if it comes back at all. */
  constructor(
    private left: number,
    private readonly die: () => Error,
  ) {}

  mortal(sink: Sink<Row>): Sink<Row> {
    return overriding<Sink<Row>>(sink, {
      connect: async (operation: never) => {
        const session = await this.#step<object>(() => sink.connect(operation))
        const { claim, write, finish } = session as Awaited<ReturnType<ExactSink<Row>['connect']>>
        const step = <P extends unknown[], T>(work: (...parameters: P) => Promise<T>) => {
          return (...parameters: P): Promise<T> => this.#step(() => work.apply(session, parameters))
        }
        return overriding(
          session as object,
          {
            claim: step(claim),
            write: step(write),
            ...(finish === undefined ? {} : { finish: step(finish) }),
          } as object,
        ) as never
      },
    } as object as Partial<Sink<Row>>)
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    this.#breathe()
    const value = await work()
    this.#breathe()
    return value
  }

  #breathe(): void {
    if (this.left-- <= 0) throw this.die()
  }
}
