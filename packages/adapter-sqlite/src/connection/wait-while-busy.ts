import { setTimeout as delay } from 'node:timers/promises'
import type { MaybePromise } from '@drover/core'
import { isBusy } from '../errors/sqlite-error.js'

/** Milliseconds between tries, the last one again and again: those of SQLite's own busy handler. */
const pauses = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100] as const

/**
 * Tries `action` until the database is not busy any more, or `timeoutMs` are over. SQLite's own handler sleeps in the
 * thread: with better-sqlite3 that is the event loop, so a lock held by another session of this very process would
 * never be given back while we wait for it; with sqlite3 the waiting writers can use up the thread pool.
 * The lock gives no signal when it becomes free, so it is asked again.
 */
export function waitWhileBusy<T>(action: () => MaybePromise<T>, timeoutMs: number): MaybePromise<T> {
  try {
    const answer = action()
    if (!isPromise(answer)) return answer
    return answer.then(undefined, (error: unknown) => waitOn(error, action, timeoutMs))
  } catch (error) {
    return waitOn(error, action, timeoutMs)
  }
}

/** Whether an answer has still to come. */
export function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === 'function'
}

/** `next(value)`, at once if the value is there. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}

function waitOn<T>(error: unknown, action: () => MaybePromise<T>, timeoutMs: number): Promise<T> {
  if (!isBusy(error) || timeoutMs <= 0) throw error
  return askAgain(action, Date.now() + timeoutMs)
}

async function askAgain<T>(action: () => MaybePromise<T>, deadline: number): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const left = deadline - Date.now()
    await delay(Math.max(0, Math.min(pauses[Math.min(attempt, pauses.length - 1)] ?? 100, left)))
    try {
      return await action()
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error
    }
  }
}
