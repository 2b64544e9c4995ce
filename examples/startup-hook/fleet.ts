import { Instance } from './instance.js'

/** The instances of the application, of which some may be gone. */
export class Fleet implements AsyncDisposable {
  readonly instances: Instance[] = []
  readonly #beside: Promise<void>[] = []

  constructor(
    private readonly connection: string,
    /** What Node takes to run it. */
    private readonly application?: readonly string[],
  ) {}

  /** Starts so many at once; resolves when each takes requests. */
  async start(count: number, parameters: readonly string[]): Promise<Instance[]> {
    const started = Array.from({ length: count }, (_, i) => {
      return new Instance(`instance ${this.instances.length + i + 1}`, this.connection, parameters, this.application)
    })
    this.instances.push(...started)
    await Promise.all(started.map((instance) => instance.hear(({ listening }) => listening !== undefined)))
    return started
  }

  /** Starts one more, for which nobody waits before {@link ready}. */
  startBeside(parameters: readonly string[], onReady: (instance: Instance) => Promise<void>): void {
    const start = async (): Promise<void> => {
      for (const instance of await this.start(1, parameters)) await onReady(instance)
    }
    this.#beside.push(start())
  }

  /** Resolves when all that were started take requests. */
  async ready(): Promise<void> {
    await Promise.all(this.#beside)
  }

  /** The one of them that works, as soon as one does; undefined if they find that there is nothing to do. */
  worker(among: readonly Instance[]): Promise<Instance | undefined> {
    return Promise.any(
      among.map(async (instance) => {
        const { working } = await instance.hear(({ working, finished }) => working === true || finished !== undefined)
        return working === true ? instance : undefined
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const instance of this.instances) instance.kill('SIGKILL')
    await Promise.all(this.instances.map(({ ended }) => ended))
  }
}
