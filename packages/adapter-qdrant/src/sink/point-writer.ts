import { DroverError, type JsonValue, type Operation, type Outcome, ValueRefused } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { statusOf } from '../errors/qdrant-error.js'
import { PointsBody } from '../wire/points-body.js'
import type { RawPoint, WirePoint } from '../wire/wire-point.js'
import { pathOf } from './collection-info.js'
import type { ShardKeys } from './shard-keys.js'

export interface PointWriterOptions {
  readonly connection: QdrantConnection
  readonly collection: string
  /** For messages: server and collection. */
  readonly where: string
  /** Points of another collection go as they stand. */
  readonly values: 'plain' | 'extended'
  readonly anyFields: ReadonlySet<string>
  /** Points that are there stay as they are. */
  readonly insertsOnly: boolean
  /** Nothing was there when the session began, so all that is written is new. */
  readonly beganEmpty: boolean
  readonly shardKeys: ShardKeys | null
}

/** Points of one request, with the rows that they come from. */
interface Request {
  readonly body: PointsBody
  readonly points: (WirePoint | RawPoint)[]
  readonly rows: number[]
  readonly shardKey: string | number | undefined
}

/** What was sent. */
export interface WriterFigures {
  readonly requests: number
  readonly bytes: number
}

/** Sends points, and waits until they are durable. Shared by the batches of a session: they share the memory of requests. */
export class PointWriter {
  readonly #free: PointsBody[] = []
  readonly #figures = { requests: 0, bytes: 0 }
  #held = 0
  #mostBytes: number

  constructor(
    readonly options: PointWriterOptions,
    batchBytes: number,
  ) {
    this.#mostBytes = batchBytes
  }

  get figures(): WriterFigures {
    return { ...this.#figures }
  }

  /** Bytes of the requests that are being made, or under way. */
  get heldBytes(): number {
    return this.#held
  }

  /** Less once the server has refused a request for its size. */
  get mostBytes(): number {
    return this.#mostBytes
  }

  begin(operation: Operation): BatchWriter {
    return new BatchWriter(this, operation)
  }

  open(shardKey: string | number | undefined): Request {
    const body = this.#free.pop() ?? new PointsBody(this.options.values, this.options.anyFields)
    return { body, points: [], rows: [], shardKey }
  }

  /** The memory is kept for the next one. */
  close({ body }: Request): void {
    body.clear()
    this.#free.push(body)
  }

  async send(request: Request, operation: Operation): Promise<Outcome> {
    const { bytes } = request.body
    this.#held += bytes
    try {
      return await this.#send(request, operation)
    } finally {
      this.#held -= bytes
    }
  }

  async #send(request: Request, operation: Operation): Promise<Outcome> {
    const { connection, collection, insertsOnly, shardKeys } = this.options
    const { body, shardKey } = request
    if (shardKey !== undefined) await shardKeys?.ready(shardKey, operation)
    const there = await this.#countThere(request, operation)
    try {
      await connection.upsert(collection, body, {
        signal: operation.signal,
        ...(shardKey === undefined ? {} : { shardKey }),
        ...(insertsOnly ? { mode: 'insert_only' as const } : {}),
      })
    } catch (error) {
      if (statusOf(error) === 413) return await this.#sendHalves(request, error, operation)
      throw this.#meaning(error)
    }
    this.#figures.requests++
    this.#figures.bytes += body.bytes
    const inserted = body.count - there
    return insertsOnly ? { inserted, updated: 0, skipped: there } : { inserted, updated: there, skipped: 0 }
  }

  /** The server tells nobody whether a point is new: whoever wants to know asks before. */
  async #countThere({ points, shardKey }: Request, { signal }: Operation): Promise<number> {
    const { connection, collection, insertsOnly, beganEmpty } = this.options
    if (beganEmpty && !insertsOnly) return 0
    const asked = {
      ids: points.map(({ id }) => id) as unknown as JsonValue,
      with_payload: false,
      with_vector: false,
      ...(shardKey === undefined ? {} : { shard_key: shardKey }),
    }
    const doing = `asking collection "${collection}" which points are there`
    const found = await connection
      .request('POST', `${pathOf(collection)}/points`, asked, { signal, doing })
      .catch((error: unknown) => {
        throw this.#meaning(error)
      })
    // An id that comes twice in a batch is one point.
    return Math.min(points.length, (found as readonly unknown[]).length)
  }

  async #sendHalves(request: Request, cause: unknown, operation: Operation): Promise<Outcome> {
    const { points, rows, body, shardKey } = request
    this.#mostBytes = Math.max(1, Math.min(this.#mostBytes, body.bytes >> 1))
    if (points.length === 1) {
      throw new DroverError(
        'RECORD_REFUSED',
        `${this.options.where} does not take a record: its point is a request of ${body.bytes} bytes alone, more than the server allows (max_request_size_mb).`,
        { cause, row: rows[0] as number },
      )
    }
    const middle = points.length >> 1
    let outcome: Outcome = { inserted: 0, updated: 0, skipped: 0 }
    for (const [from, to] of [
      [0, middle],
      [middle, points.length],
    ] as const) {
      const half = this.open(shardKey)
      for (let i = from; i < to; i++) addTo(half, points[i] as WirePoint | RawPoint, rows[i] as number)
      try {
        outcome = sum(outcome, await this.#send(half, operation))
      } finally {
        this.close(half)
      }
    }
    return outcome
  }

  #meaning(error: unknown): unknown {
    if (statusOf(error) !== 404) return error
    const { where } = this.options
    return new DroverError(
      'SINK_NOT_READY',
      `${where} is gone, or its shard is: somebody deleted it while the run wrote.`,
      {
        cause: error,
      },
    )
  }
}

/** One batch: while a request is under way, the next one is made. */
export class BatchWriter {
  readonly #open = new Map<string | number | undefined, Request>()
  #outcome: Outcome = { inserted: 0, updated: 0, skipped: 0 }
  #sending: Promise<Outcome> | undefined

  constructor(
    private readonly writer: PointWriter,
    private readonly operation: Operation,
  ) {}

  /** @throws ValueRefused, `RECORD_REFUSED`; what sending throws */
  async add(point: WirePoint | RawPoint, row: number): Promise<void> {
    const request = this.#requestFor(point)
    addTo(request, point, row)
    if (request.body.bytes >= this.writer.mostBytes) await this.#send(request)
  }

  /** @returns what became of all of them, once they are durable */
  async end(): Promise<Outcome> {
    for (const request of this.#open.values()) if (request.points.length > 0) await this.#send(request)
    await this.#settle()
    return this.#outcome
  }

  /** Nothing more is sent; nothing is left under way. */
  async giveUp(): Promise<void> {
    for (const request of this.#open.values()) this.writer.close(request)
    this.#open.clear()
    await this.#sending?.catch(() => {}) // what gave it up is thrown
  }

  #requestFor({ shardKey = undefined }: WirePoint | RawPoint): Request {
    const key = shardKey ?? undefined
    let request = this.#open.get(key)
    if (request === undefined) {
      request = this.writer.open(key)
      this.#open.set(key, request)
    }
    return request
  }

  async #send(request: Request): Promise<void> {
    this.#open.delete(request.shardKey)
    try {
      await this.#settle()
    } catch (error) {
      this.writer.close(request)
      throw error
    }
    this.#sending = this.writer.send(request, this.operation).finally(() => this.writer.close(request))
    // Whoever waits for it next gets the error.
    this.#sending.catch(() => {})
  }

  async #settle(): Promise<void> {
    const sending = this.#sending
    this.#sending = undefined
    if (sending !== undefined) this.#outcome = sum(this.#outcome, await sending)
  }
}

function addTo({ body, points, rows }: Request, point: WirePoint | RawPoint, row: number): void {
  try {
    if ('isRaw' in point) body.addRaw(point)
    else body.add(point)
  } catch (error) {
    if (error instanceof ValueRefused || !DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
    throw new DroverError('RECORD_REFUSED', error.message, { cause: error, row })
  }
  points.push(point)
  rows.push(row)
}

function sum(a: Outcome, b: Outcome): Outcome {
  return { inserted: a.inserted + b.inserted, updated: a.updated + b.updated, skipped: a.skipped + b.skipped }
}
