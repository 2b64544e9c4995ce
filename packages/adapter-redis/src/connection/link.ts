import { DroverError } from '@drover/core'
import { Redis, type RedisOptions } from 'ioredis'
import { answerCode, isAnswer, redisError } from '../errors/redis-error.js'
import { RawCommand } from './raw-command.js'
import { unaskedAnswer } from './unasked-answer.js'

const defaultConnectTimeoutMs = 10_000
const defaultSocketTimeoutMs = 60_000
const longestPauseMs = 1000
/** So long a server that hears nothing keeps who closes a connection, or gives up what is on its way. */
const farewellMs = 200
/** What fails by itself in time says more. */
const graceMs = 100

/** How a connection is made and named. */
export interface LinkPlan {
  /** As messages show it: `cache.example.org:6379`. */
  readonly name: string
  readonly options: RedisOptions
  readonly isCluster: boolean
  /** When aborted, what is under way is given up. */
  readonly endsWith: AbortSignal | undefined
  /** The server has answered before, on another connection: if it does not now, that is no mistake of who named it. @default false */
  readonly isKnown?: boolean
  /** A command failed, and not by its own fault. */
  readonly onFailure?: () => void
}

/**
 * A connection that ioredis keeps: when it broke, it is made again. What was on its way then fails, and is not sent a second time, for
 * nobody knows whether it was done; what comes later waits for the next attempt to connect, and fails if that does.
 */
export class Link {
  readonly client: Redis
  #isUsable = false
  #hasConnected = false
  #isClosed = false
  #lastError: unknown
  readonly #waiting = new Set<(failure: unknown) => void>()
  readonly #onAbort = (): void => this.#give(this.plan.endsWith?.reason)

  constructor(readonly plan: LinkPlan) {
    this.client = new Redis(this.#options())
    this.client
      .on('error', (error) => this.#learn(error))
      .on('sentinelError', (error) => this.#learn(error))
      .on('ready', () => void this.#greet())
      .on('close', () => this.#broken(false))
      .on('end', () => this.#broken(true))
    plan.endsWith?.addEventListener('abort', this.#onAbort)
  }

  /** Commands can be sent now. */
  get isUsable(): boolean {
    return this.#isUsable && this.client.stream.writable
  }

  /** Connects for the first time; a second time does nothing. @throws DroverError */
  async open(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#give(signal.reason)
    signal.addEventListener('abort', onAbort)
    try {
      signal.throwIfAborted()
      await this.usable()
    } catch (error) {
      const { options } = this.plan
      const isCutOff = !signal.aborted && !options.sentinels && !options.tls && closedAtOnce(this.#lastError ?? error)
      const answer = isCutOff ? await unaskedAnswer(options) : undefined
      if (answer !== undefined) this.#lastError = answer
      this.close()
      throw signal.aborted
        ? DroverError.from(signal.reason, 'the work was given up', 'ABORTED')
        : this.failure(error, 'connecting')
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Waits until commands can be sent, or it is known that this attempt failed. */
  async usable(): Promise<void> {
    if (this.isUsable) return
    if (this.#isClosed) throw this.#lastError ?? new Error('Connection is closed.')
    const { status } = this.client
    // After `end` ioredis does not connect again by itself.
    if (status === 'wait' || status === 'end') this.client.connect().catch((error: unknown) => this.#failed(error))
    const limit = this.#patienceMs()
    let timer: NodeJS.Timeout | undefined
    let wake: ((failure: unknown) => void) | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        wake = (failure) => (failure === undefined ? resolve() : reject(failure))
        this.#waiting.add(wake)
        timer = setTimeout(() => reject(this.#lastError ?? silence(limit)), limit)
      })
    } finally {
      clearTimeout(timer)
      if (wake) this.#waiting.delete(wake)
    }
  }

  /** What a command failed with, as an error of ours. */
  failure(error: unknown, doing: string): DroverError {
    const { name, isCluster, isKnown, endsWith, options, onFailure } = this.plan
    if (endsWith?.aborted) return DroverError.from(endsWith.reason, 'the work was given up', 'ABORTED')
    const isFirst = !this.#hasConnected && isKnown !== true
    // ioredis says of what was on its way only that it will not be tried again.
    const cause = isAnswer(error) ? error : (this.#lastError ?? error)
    if (!isAnswer(error) || failsForPlace.has(answerCode(error))) onFailure?.()
    return redisError(cause, doing === 'connecting' ? `connecting to ${name}` : `${doing} on ${name}`, {
      isCluster,
      isFirst,
      hint: isFirst && !isAnswer(cause) ? tlsHint(options, cause) : undefined,
    })
  }

  /** What stands on the way is given up. */
  close(): void {
    this.#isClosed = true
    this.#isUsable = false
    this.plan.endsWith?.removeEventListener('abort', this.#onAbort)
    this.client.disconnect()
    this.#failed(new Error('Connection is closed.'))
  }

  #give(reason: unknown): void {
    this.#lastError = reason
    this.close()
  }

  #learn(error: unknown): void {
    // Of several the last says most, but not that others were flushed.
    this.#lastError = error
  }

  /**
   * It is a server of Redis if it answers, whatever it answers. Before anything else is sent, it is made sure that the database is the one
   * that was asked for: ioredis itself goes on with another.
   */
  async #greet(): Promise<void> {
    try {
      await this.#ask('HELLO').catch((error: unknown) => {
        if (!isAnswer(error) || ['NOAUTH', 'WRONGPASS'].includes(answerCode(error))) throw error
      })
      const { db } = this.client.options
      if (db) await this.#ask('SELECT', db)
      if (this.#isClosed || this.client.status !== 'ready') return
      this.#isUsable = true
      this.#hasConnected = true
      this.#lastError = undefined
      this.#wake(undefined)
    } catch (error) {
      // ioredis 5 does not wait for the answer to AUTH, which it tells as an event.
      if (answerCode(error) === 'NOAUTH') await new Promise(setImmediate)
      if (isAnswer(error) && !isAnswer(this.#lastError)) this.#lastError = error
      this.#failed(error)
      if (!this.#isClosed && isAnswer(error)) this.client.disconnect(true)
    }
  }

  async #ask(name: string, ...args: readonly (string | number)[]): Promise<void> {
    const command = new RawCommand(name, args)
    this.client.sendCommand(command)
    await command.reply
  }

  #broken(isEnd: boolean): void {
    const wasUsable = this.#isUsable
    this.#isUsable = false
    // Who came after it broke waits for the connection that follows.
    if (isEnd || !wasUsable) this.#failed(this.#lastError ?? new Error('Connection is closed.'))
  }

  #failed(error: unknown): void {
    this.#wake(this.#lastError ?? error)
  }

  #wake(failure: unknown): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake(failure)
  }

  #options(): RedisOptions & { replyMapping: 'legacy' } {
    const { options } = this.plan
    return {
      ...options,
      connectTimeout: options.connectTimeout ?? defaultConnectTimeoutMs,
      socketTimeout: options.socketTimeout ?? defaultSocketTimeoutMs,
      disconnectTimeout: options.disconnectTimeout ?? farewellMs,
      connectionName: options.connectionName || 'drover',
      protocol: 2,
      replyMapping: 'legacy',
      stringNumbers: false,
      keyPrefix: '',
      readOnly: false,
      monitor: false,
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      enableAutoPipelining: false,
      // With sentinels it is what looks whether the server still is the master; else it prints a warning where INFO is denied.
      enableReadyCheck: Boolean(options.sentinels),
      // Sentinels tell of a failover before the old master knows of it, which until then takes writes that will be lost.
      failoverDetector: options.failoverDetector || Boolean(options.sentinels),
      // After a failover another one is the master.
      reconnectOnError: (error) => error.message.includes('READONLY'),
      retryStrategy: (times) => (this.#hasConnected ? Math.min(50 * times, longestPauseMs) : null),
      sentinelRetryStrategy: (times) => (this.#hasConnected ? Math.min(50 * times, longestPauseMs) : null),
    }
  }

  /** As long as connecting may take, and the server's first answer. */
  #patienceMs(): number {
    const { connectTimeout = defaultConnectTimeoutMs, sentinels } = this.client.options
    const pauseMs = this.#hasConnected ? longestPauseMs : 0
    return connectTimeout * (1 + (sentinels?.length ?? 0)) + pauseMs + graceMs
  }
}

/** Answers of a node that is not, or not any more, the one to ask. */
const failsForPlace = new Set(['MOVED', 'ASK', 'CLUSTERDOWN', 'READONLY', 'MASTERDOWN'])

function silence(ms: number): Error {
  return Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: 'ETIMEDOUT' })
}

/** A server that speaks TLS closes a connection that does not, without a word; the other way round it may stay silent. */
function tlsHint({ tls, sentinels }: RedisOptions, cause: unknown): string | undefined {
  if (sentinels) return undefined
  if (tls) {
    const { code } = (cause ?? {}) as { readonly code?: unknown }
    const isSilent = code === 'ETIMEDOUT' || code === 'ECONNRESET'
    return isSilent
      ? 'If the server speaks no TLS on this port, write redis:// instead of rediss://, or leave tls out.'
      : undefined
  }
  return closedAtOnce(cause) ? 'If the server speaks TLS on this port, write rediss://, or give tls: {}.' : undefined
}

/** It took the connection, and closed it without an answer that was read. */
function closedAtOnce(cause: unknown): boolean {
  const { code, message } = (cause ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return !isAnswer(cause) && (code === 'ECONNRESET' || code === 'EPIPE' || /closed/.test(String(message)))
}
