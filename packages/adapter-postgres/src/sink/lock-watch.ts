import { DroverError, type Operation, type StoreWait } from '@drover/core'
import { sqlState } from '../errors/postgres-error.js'

/** Answers that a wait of `lock_timeout` is to be long enough for. */
const looks = 3
const shortestMs = 5

/** Remembers who stood in the way of a batch: once `lock_timeout` has ended the statement that waited, nobody can tell any more. */
export class LockWatch implements Disposable {
  readonly #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #blocked = ''

  /** @param lockTimeoutMs Where it is unknown or 0, nothing is asked. */
  constructor(
    lockTimeoutMs: number | undefined,
    private readonly ask: (operation: Operation) => Promise<readonly StoreWait[]>,
    private readonly operation: Operation,
  ) {
    if (lockTimeoutMs === undefined || lockTimeoutMs === 0) return
    this.#timer = setInterval(() => this.#look(), Math.max(shortestMs, Math.floor(lockTimeoutMs / looks)))
    this.#timer.unref()
  }

  /** The error, with who held the lock if that is what it is about. */
  named(error: unknown): unknown {
    if (!DroverError.isInstance(error) || sqlState(error.cause) !== lockNotAvailable || this.#blocked === '')
      return error
    const { code, message, isRetryable, cause } = error
    return new DroverError(code, `${message} ${this.#blocked}`, { isRetryable, cause })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.ask(this.operation)
      .then(
        (waits) => {
          const blocked = waits.filter(({ blockedBy }) => blockedBy.length > 0)
          if (blocked.length > 0) this.#blocked = blocked.map(({ message }) => message).join(' ')
        },
        (error: unknown) => {
          this.#blocked = `Who holds it could not be asked: ${(error as Error).message}`
        },
      )
      .finally(() => {
        this.#isAsking = false
      })
  }
}

const lockNotAvailable = '55P03'
