import { EventEmitter } from 'eventemitter3'
import type { RunEvents } from '../contracts/events.js'

/** Where to listen to a run. */
export interface RunEventSource {
  on<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this
  once<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this
  off<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this
}

type Handler = (event: never) => unknown
type Guarded = (...told: unknown[]) => void

/** The events of a run. What a handler throws, or rejects with, goes to `onFailure`: it is the application's mistake, not the run's. */
export class RunEmitter implements RunEventSource {
  readonly #emitter = new EventEmitter()
  readonly #guarded = new Map<Handler, Map<string, Guarded>>()

  constructor(private readonly onFailure: (event: string, error: unknown) => void) {}

  on<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this {
    this.#emitter.on(event, this.#guard(event, handler))
    return this
  }

  once<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this {
    this.#emitter.once(event, this.#guard(event, handler))
    return this
  }

  off<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): this {
    const guarded = this.#guarded.get(handler)?.get(event)
    if (guarded !== undefined) this.#emitter.off(event, guarded)
    return this
  }

  emit<E extends keyof RunEvents>(event: E, ...told: Parameters<RunEvents[E]>): void {
    this.#emitter.emit(event, ...told)
  }

  hasListeners(event: keyof RunEvents): boolean {
    return this.#emitter.listenerCount(event) > 0
  }

  #guard(event: string, handler: Handler): Guarded {
    const byEvent = this.#guarded.get(handler) ?? new Map<string, Guarded>()
    this.#guarded.set(handler, byEvent)
    const known = byEvent.get(event)
    if (known !== undefined) return known
    const guarded: Guarded = (told) => {
      try {
        const answer = handler(told as never)
        if (answer instanceof Promise) answer.catch((error: unknown) => this.onFailure(event, error))
      } catch (error) {
        this.onFailure(event, error)
      }
    }
    byEvent.set(event, guarded)
    return guarded
  }
}
