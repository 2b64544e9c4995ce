import { setTimeout as wait } from 'node:timers/promises'
import { abortError, DroverError, type JsonValue, type Operation, type SinkOperation } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { type CollectionInfo, pathOf, readCollection, thresholdNote } from './collection-info.js'

export interface IndexingOptions {
  readonly collection: string
  /** For messages: server and collection. */
  readonly where: string
  readonly policy: 'during' | 'after'
  /** What is set in the end, whatever was there before. */
  readonly threshold: number | undefined
  readonly greenTimeoutMs: number
  readonly voice: Pick<SinkOperation, 'warn' | 'info'>
}

/** What the newest servers have where nothing was set, in kilobytes. */
const usualThreshold = 10_000
const [firstLookMs, longestLookMs] = [20, 2_000]

/**
 * Turns the indexing of vectors off for a load and on again after it. What the threshold was is kept in the collection's own metadata before it is changed,
 * so whoever finishes the run, after a crash too, finds it there.
 */
export class Indexing {
  /** What was done in the end, in a few words. */
  note: string | undefined

  constructor(
    private readonly connection: QdrantConnection,
    private readonly options: IndexingOptions,
  ) {}

  /** Before the first point. @throws `SINK_NOT_READY` if the server cannot keep what the threshold was */
  async begin(info: CollectionInfo, operation: Operation): Promise<void> {
    const { policy, voice, where, threshold } = this.options
    const { indexingThreshold, notedThreshold } = info
    if (policy === 'during') {
      if (notedThreshold !== undefined) voice.warn?.({ code: 'INDEXES', message: this.#isOff(notedThreshold) })
      return
    }
    const isOff = indexingThreshold === 0
    if (notedThreshold === undefined) {
      // Off without a note: somebody wants it so, unless the options say what it is to be.
      if (isOff && threshold === undefined) return
      const before = threshold ?? indexingThreshold ?? usualThreshold
      await this.#change({ metadata: { [thresholdNote]: before } }, operation)
      await this.#checkNote(operation)
    }
    if (isOff) return
    await this.#change({ optimizers_config: { indexing_threshold: 0 } }, operation)
    voice.info?.(`${where}: vectors are not indexed until the run is complete`)
  }

  /** After the last point, by whichever process gets there. Idempotent. */
  async end(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    const { policy, voice, collection, threshold } = this.options
    if (policy === 'during') return
    const info = await readCollection(this.connection, collection, operation)
    if (info === null) return
    const { notedThreshold } = info
    if (outcome !== 'completed') {
      if (notedThreshold !== undefined) voice.warn?.({ code: 'INDEXES', message: this.#isOff(notedThreshold) })
      return
    }
    const wanted = threshold ?? notedThreshold
    if (wanted === undefined) return
    if (notedThreshold !== undefined || info.indexingThreshold !== wanted) {
      await this.#change({ optimizers_config: { indexing_threshold: wanted } }, operation)
      await this.#change({ metadata: { [thresholdNote]: null } }, operation)
    }
    await this.#waitForGreen(wanted, operation)
  }

  async #checkNote(operation: Operation): Promise<void> {
    const { collection, threshold, where } = this.options
    if (threshold !== undefined) return
    const info = await readCollection(this.connection, collection, operation)
    if (info === null || info.notedThreshold !== undefined) return
    throw new DroverError(
      'SINK_NOT_READY',
      `${where}: indexing: 'after' keeps what the indexing threshold was (${info.indexingThreshold ?? 'the default'}) in the collection's metadata, and this server, older than 1.16, has none. indexingThreshold says what it is to be in the end.`,
    )
  }

  async #waitForGreen(threshold: number, operation: Operation): Promise<void> {
    const { collection, where, greenTimeoutMs, voice } = this.options
    const begun = performance.now()
    let lookMs = firstLookMs
    for (let isFirst = true; ; isFirst = false) {
      const info = await readCollection(this.connection, collection, operation)
      const waitedMs = performance.now() - begun
      const seconds = `${(waitedMs / 1000).toFixed(1)} s`
      if (info === null) return
      if (info.status === 'green') {
        this.note = `indexing is on again, at ${threshold} kB; the collection was green after ${seconds}`
        return
      }
      const trouble = info.trouble === undefined ? '' : `, and its optimizer says: ${info.trouble}`
      if (info.status === 'red' || waitedMs >= greenTimeoutMs) {
        const message = `${where} is ${info.status} ${seconds} after its indexing was turned on again, with ${info.indexedVectors} vectors indexed${trouble}. All points are there and can be found; searches are slow until it is green.`
        voice.warn?.({ code: 'INDEXES', message })
        return
      }
      if (isFirst)
        voice.info?.(`${where}: waiting until its vectors are indexed, ${greenTimeoutMs / 1000} s at the most`)
      await wait(Math.min(lookMs, greenTimeoutMs - waitedMs), undefined, operation).catch((error: unknown) => {
        throw operation.signal.aborted ? abortError(operation.signal) : error
      })
      lookMs = Math.min(longestLookMs, lookMs * 2)
    }
  }

  async #change(change: JsonValue, { signal }: Operation): Promise<void> {
    const { collection } = this.options
    const doing = `changing the settings of collection "${collection}"`
    await this.connection.request('PATCH', pathOf(collection), change, { signal, doing })
  }

  #isOff(before: number): string {
    return `${this.options.where}: vectors are not indexed since a run with indexing: 'after' turned that off; such a run turns it on again when it completes. By hand: PATCH ${pathOf(this.options.collection)} {"optimizers_config":{"indexing_threshold":${before}},"metadata":{"${thresholdNote}":null}}`
  }
}
