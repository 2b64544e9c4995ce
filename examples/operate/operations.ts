import type { IncomingMessage } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { DroverError, type LiveRun, type Operator, type Report, type RunSettings } from '@drover/core'
import type { Job } from './jobs.js'

/** What an operator may ask of the application over HTTP. It belongs behind whatever keeps others out. */
export class Operations {
  /** Runs of this process, by the name of their job. */
  readonly #live = new Map<string, LiveRun>()
  /** How the last run of each ended here. */
  readonly #ended = new Map<string, Report | DroverError>()

  constructor(
    private readonly operator: Operator,
    private readonly jobs: ReadonlyMap<string, Job>,
  ) {}

  /** Undefined if this is none of its routes. */
  async answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    const [, what, name = '', ask = ''] = (request.url ?? '').split('/').map(decodeURIComponent)
    if (what !== 'runs' && what !== 'jobs') return undefined
    try {
      const body = what === 'runs' ? await this.#run(request, name, ask) : await this.#job(request, name, ask)
      return body === undefined ? undefined : { status: request.method === 'POST' ? 202 : 200, body }
    } catch (error) {
      const { code, message } = DroverError.from(error, `${request.method} ${request.url} failed`)
      return { status: statuses[code] ?? 500, body: { code, message } }
    }
  }

  /** Ends what this process works on, so that another one can go on with it. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#live.values()].map((live) => live.stop('the application ends')))
  }

  /** Runs of every process, through the state store. */
  async #run(request: IncomingMessage, name: string, ask: string): Promise<unknown> {
    const { operator } = this
    switch (`${request.method} ${ask}`) {
      case 'GET ':
        return name === '' ? operator.list() : operator.status(name)
      case 'PATCH ':
        return operator.update(name, (await json(request)) as RunSettings)
      case 'POST pause':
        return operator.pause(name, (await text(request)) || undefined)
      case 'POST resume':
        return operator.resume(name)
      case 'POST stop':
        return operator.stop(name, (await text(request)) || undefined)
      default:
        return undefined
    }
  }

  async #job(request: IncomingMessage, name: string, ask: string): Promise<unknown> {
    const job = this.jobs.get(name)
    if (job === undefined) throw new DroverError('NAME_UNKNOWN', `There is no job "${name}".`)
    switch (`${request.method} ${ask}`) {
      case 'GET dry-run':
        return job.dryRun()
      case 'GET verify':
        return job.verify?.()
      case 'POST ':
        return this.#watch(name, job.start(JSON.parse((await text(request)) || '{}') as RunSettings))
      case 'POST replay':
        return job.replay === undefined ? undefined : this.#watch(`${name} replay`, job.replay())
      case 'POST undo':
        return this.#watch(`undo ${name}`, job.undo())
      case 'GET ':
        return this.#ending(name)
      case 'GET replay':
        return this.#ending(`${name} replay`)
      case 'GET undo':
        return this.#ending(`undo ${name}`)
      default:
        return undefined
    }
  }

  #ending(run: string): { readonly live: boolean; readonly ended: unknown } {
    const ended = this.#ended.get(run)
    return {
      live: this.#live.has(run),
      ended: ended instanceof DroverError ? { code: ended.code, message: ended.message } : ended,
    }
  }

  /** It is not awaited: who asked looks at it by its name. */
  #watch(name: string, live: LiveRun): { readonly started: string } {
    this.#live.set(name, live)
    this.#ended.delete(name)
    live.result
      .then(
        (report) => this.#ended.set(name, report),
        (error: unknown) => this.#ended.set(name, DroverError.from(error, `${name} failed`)),
      )
      .finally(() => this.#live.delete(name))
    return { started: name }
  }
}

const statuses: Readonly<Record<string, number>> = {
  RUN_UNKNOWN: 404,
  NAME_UNKNOWN: 404,
  RUN_ENDED: 409,
  RUN_HELD: 409,
  UNDO_IMPOSSIBLE: 409,
  OPTION_INVALID: 400,
}
