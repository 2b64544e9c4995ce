import {
  type ConnectOperation,
  type Count,
  type Cursor,
  DroverError,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type Source,
  type SourceSession,
  type Warning,
} from '@drover/core'
import { placeName } from '../../base/place-name.js'
import type { LayoutName, LayoutOptions } from '../layout.js'
import type { After, Entry, Notes, Reading, Unit } from './reading.js'
import { RecordPage } from './record-page.js'
import { type DocumentForm, RedisReader } from './redis-reader.js'

/**
 * Reads a layout of Redis. All its keys are looked for when a session first needs them, and read in the order of their names, so that a
 * run which is resumed goes on behind the last record, whatever `SCAN` says in between.
 */
export function redisLayoutSource<R>(
  where: LayoutName,
  options: LayoutOptions,
  reading: Reading<R>,
  form: DocumentForm = 'json',
): Source<R> {
  return {
    specVersion: 1,
    name: `${where} ${placeName(options.place)}${options.keyPrefix === undefined ? '' : ` ${options.keyPrefix}`}`,
    isUnordered: true,
    connect: async (operation) =>
      new LayoutSession(await RedisReader.open(where, options, form, operation), reading, operation.warn ?? (() => {})),
  }
}

class LayoutSession<R> implements SourceSession<R> {
  readonly #notes: Notes = { gone: 0, others: 0, shortened: 0, expiring: 0 }
  #units: Promise<readonly Unit[]> | undefined
  #closed: Promise<void> | undefined

  constructor(
    private readonly reader: RedisReader,
    private readonly reading: Reading<R>,
    private readonly warn: NonNullable<ConnectOperation['warn']>,
  ) {}

  async describe(): Promise<RecordSchema> {
    return this.reading.schema
  }

  async count(operation: Operation): Promise<Count> {
    return this.reading.count(this.reader, await this.#all(operation), operation)
  }

  /** Ranges of names, so that what is added later belongs to one of them. */
  async partition({ count, ...operation }: Operation & { readonly count: number }): Promise<readonly Partition[]> {
    const units = await this.#all(operation)
    const parts = Math.max(1, Math.min(count, units.length))
    if (parts === 1) return [{ id: 'all', bounds: null }]
    const border = (i: number): string | null => units[Math.floor((i * units.length) / parts)]?.name ?? null
    return Array.from({ length: parts }, (_, i) => ({
      id: String(i + 1),
      bounds: [i === 0 ? null : border(i), i + 1 === parts ? null : border(i + 1)],
    }))
  }

  async *read({ partition, after, page, signal }: ReadOptions): AsyncGenerator<Page<R>, void, undefined> {
    const from = after === null ? null : afterOf(after)
    const units = unitsOf(await this.#all({ signal }), partition, from)
    let held: Entry<R>[] = []
    let bytes = 0
    const pageOf = (entries: readonly Entry<R>[]): Page<R> => {
      const { unit, place } = entries[entries.length - 1] as Entry<R>
      return RecordPage.of(entries, [unit, place])
    }
    for await (const entry of this.reading.entries(this.reader, units, from, this.#notes, { signal })) {
      if (held.length > 0 && (held.length === page.records || bytes + entry.bytes > page.bytes)) {
        yield pageOf(held)
        held = []
        bytes = 0
      }
      held.push(entry)
      bytes += entry.bytes
    }
    if (held.length > 0) yield pageOf(held)
    await this.#requireData()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const warning of this.#warnings()) this.warn(warning)
    await this.reader[Symbol.asyncDispose]()
  }

  #warnings(): readonly Warning[] {
    const { gone, others, shortened, expiring } = this.#notes
    const { name } = this.reader
    const { sought } = this.reading
    const warnings: Warning[] = []
    if (gone > 0) {
      const message = `${name}: ${gone} of the ${sought} were gone, or of another type, when they were to be read.`
      warnings.push({ code: 'KEYS_CHANGED', message })
    }
    if (shortened > 0) {
      const message = `${name}: ${shortened} of the ${sought} lost messages while they were read, and what came behind those may be missing: stop what removes them, and run again.`
      warnings.push({ code: 'KEYS_CHANGED', message })
    }
    if (expiring > 0) {
      const message = `${name}: ${expiring} of the ${sought} expire some day, which is not carried over: where they are written, they stay.`
      warnings.push({ code: 'EXPIRY_LEFT_OUT', message })
    }
    if (others > 0) {
      const message = `${name}: ${others} of the ${sought} hold what another layout made, and were left out.`
      warnings.push({ code: 'KEYS_LEFT_OUT', message })
    }
    return warnings
  }

  #all(operation: Operation): Promise<readonly Unit[]> {
    this.#units ??= this.#find(operation)
    return this.#units
  }

  async #find(operation: Operation): Promise<readonly Unit[]> {
    const units = await this.reading.units(this.reader, operation)
    if (units.length === 0) {
      this.warn({ code: 'SOURCE_EMPTY', message: `${this.reader.name}: there are no ${this.reading.sought}.` })
    }
    return units
  }

  /** Keys expire; that all of them are gone means that somebody emptied the server. @throws `SOURCE_INVALID` */
  async #requireData(): Promise<void> {
    if (this.#notes.gone === 0 || (await this.reader.size()) > 0) return
    throw new DroverError(
      'SOURCE_INVALID',
      `${this.reader.name}: it was emptied since its keys were looked for, and has 0 keys now. What was read is not all there was: put the data back and begin a new run.`,
    )
  }
}

/** Those of a partition, behind a cursor. The unit in which that stands comes first: some of it may be left. */
function unitsOf(units: readonly Unit[], partition: Partition, after: After | null): readonly Unit[] {
  const [first, border] = boundsOf(partition)
  return units.filter(
    ({ name }) =>
      (first === null || name >= first) && (border === null || name < border) && (after === null || name >= after.unit),
  )
}

function boundsOf({ id, bounds }: Partition): readonly [string | null, string | null] {
  if (bounds === null) return [null, null]
  const [first, border] = Array.isArray(bounds) ? bounds : []
  if (isName(first) && isName(border)) return [first, border]
  throw new DroverError(
    'STATE_INVALID',
    `The bounds of partition "${id}" are none that this layout made. Start the run anew.`,
  )
}

function isName(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function afterOf(cursor: Cursor): After {
  const [unit, place] = Array.isArray(cursor) ? cursor : []
  if (typeof unit === 'string' && place !== undefined) return { unit, place }
  throw new DroverError('STATE_INVALID', 'The stored cursor is none that this layout made. Start the run anew.')
}
