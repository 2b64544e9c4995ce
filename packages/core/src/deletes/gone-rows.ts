import type { Page } from '../contracts/page.js'
import type { Warning } from '../contracts/report.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { Flow } from '../flow/flow.js'
import { MemoryPage } from '../memory/memory-page.js'
import { grouped } from '../report/text.js'
import { RowCodes } from '../verify/row-codes.js'
import { VerifiedFlow } from '../verify/verified-flow.js'
import type { DeletesWanted } from './deletes-option.js'
import { KeyForms } from './key-forms.js'
import { KnownKeys, likenesses } from './known-keys.js'
import { isMarked, type Mark, markOf } from './mark-value.js'

/** Keys held at once: 36 MB. */
const mostKeys = 4_000_000
const keyBytes = 64

export interface GoneRowsOptions {
  /** Run and sink, as messages name them. */
  readonly where: string
  /** What the run gave. */
  readonly expected: Flow<Row>
  /** What is there. */
  readonly actual: Source
  readonly wanted: DeletesWanted
  readonly runStartedAt: Date
  readonly warn: (warning: Warning) => void
  /** @default 4000000 */
  readonly mostKeys?: number
}

/**
 * Gives the keys of rows that are to be deleted or marked: read from what is there, then looked for in what the flow gives, then read once
 * more. So a row that came meanwhile is left alone, and so is one whose record came. It begins anew whenever it is read: what was
 * deleted is not there any more.
 */
export class GoneRows implements SourceSession<Row> {
  constructor(private readonly options: GoneRowsOptions) {}

  async describe(): Promise<RecordSchema> {
    return { fields: [], key: [] }
  }

  async *read({ page, signal }: ReadOptions): AsyncGenerator<Page<Row>, void, undefined> {
    const { where, expected, actual, wanted, runStartedAt } = this.options
    const help = { signal, runStartedAt }
    await using flow = await VerifiedFlow.open(expected, help)
    await using there = await VerifiedFlow.open(actual, help)
    const schema = await there.describe()
    const { key } = await describedBy(actual, signal)
    if (key.length === 0) throw new DroverError('SINK_NOT_READY', `${where}: nothing says which of its rows is which.`)
    const given = await flow.describe()
    const codes = new RowCodes(key, { ignore: [], json: [], schemas: [given, schema], near: new Map() })
    const forms = new KeyForms(key, given, schema)
    const look: Look = {
      there,
      flow,
      forms,
      keyOf: (row) => this.#keyOf(codes, row),
      most: this.options.mostKeys ?? mostKeys,
    }
    const mark = wanted.removing.kind === 'mark' ? markOf(wanted.removing.field, schema, runStartedAt, where) : null
    let passes = 1
    // Nobody knows in which pass a row is whose record has another form of its key: then all are looked at before anything is changed.
    for (const isTrial of forms.isUnsure ? [true, false] : [false]) {
      for (let pass = 0; pass < passes; pass++) {
        const found = await find(look, pass, passes)
        passes = found.passes
        if (this.#mustStay(found, look)) return
        if (isTrial && passes === 1) {
          yield* this.#changes(found, look, { pass, key, mark, records: page.records })
          return
        }
        if (!isTrial) yield* this.#changes(found, look, { pass, key, mark, records: page.records })
      }
    }
  }

  async *#changes(
    { known, strangers, passes }: Found,
    { there, forms, keyOf }: Look,
    { pass, key, mark, records }: ChangeOptions,
  ): AsyncGenerator<Page<Row>, void, undefined> {
    let gone: Row[] = []
    for await (const { rows } of there.pages()) {
      for (const row of rows) {
        const text = keyOf(row)
        const like = forms.like(text)
        const hash = KnownKeys.hashOf(text, like)
        if (KnownKeys.passOf(hash, passes) !== pass) continue
        const met = known.wasMet(hash)
        if (met === undefined) continue
        const wasMet = met || strangers.wasMet(KnownKeys.hashOf(like)) !== undefined
        if (isToChange(wasMet, row, mark)) gone.push(changeOf(row, key, wasMet, mark))
        if (gone.length < records) continue
        yield pageOf(gone, key)
        gone = []
      }
    }
    if (gone.length > 0) yield pageOf(gone, key)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** What a flow that gave too little says of rows that are there is nothing. */
  #mustStay({ known, strangers, crowded }: Found, { flow: { side }, forms }: Look): boolean {
    const { warn, wanted, where } = this.options
    const leave = (why: string): true => {
      warn({ code: 'DELETES', message: `${where}: no row was deleted or marked: ${why}` })
      return true
    }
    if (side.rejected > 0)
      return leave(`${side.rejected} records of ${side.name} were rejected, and nobody knows which rows are theirs.`)
    if (!wanted.allowEmpty) {
      if (side.rows === 0) return leave(`${side.name} gave no row at all. If that is right, pass allowEmpty: true.`)
      if (known.matched === 0 && known.size > 0)
        return leave(
          `none of the rows that are there has the key of one that ${side.name} gave. If that is right, pass allowEmpty: true.`,
        )
    }
    const isAllMet = known.matched === known.size
    if (isAllMet || (!crowded && (strangers.size === 0 || !forms.isUnsure))) return false
    return leave(
      `of the keys that ${side.name} gave, ${grouped(strangers.size)}${crowded ? ' and more are' : strangers.size === 1 ? ' is' : ' are'} of no row, and the store may have written them in another form. Keys of records that came meanwhile are of rows the next time; else let a step give them as the store has them.`,
    )
  }

  #keyOf(codes: RowCodes, row: Row): string {
    try {
      return codes.keyOf(row)
    } catch (error) {
      if (!DroverError.isInstance(error, 'KEY_INVALID')) throw error
      throw new DroverError('KEY_INVALID', error.message.replace(/^verify/, `${this.options.where}, deletes`), {
        cause: error,
      })
    }
  }
}

/** Rows are read in the order of their key, which a table has and a flow behind steps may not say. */
async function describedBy(source: Source, signal: AbortSignal): Promise<RecordSchema> {
  await using session = await source.connect({ signal })
  return session.describe({ signal })
}

interface Look {
  readonly there: VerifiedFlow
  readonly flow: VerifiedFlow
  readonly forms: KeyForms
  readonly keyOf: (row: Row) => string
  readonly most: number
}

interface Found {
  /** Keys of rows that are there. */
  readonly known: KnownKeys
  /** What keys of records are like that no row has: such a record came meanwhile, or its row has its key in another form. */
  readonly strangers: KnownKeys
  /** There are more strangers than there is room for. */
  readonly crowded: boolean
  readonly passes: number
}

interface ChangeOptions {
  readonly pass: number
  readonly key: readonly string[]
  readonly mark: Mark | null
  readonly records: number
}

/** Which keys of one pass there are, and which of them the flow gives. How many passes it takes shows in the first one. */
async function find({ there, flow, forms, keyOf, most }: Look, pass: number, passes: number): Promise<Found> {
  const known = new KnownKeys()
  const isHere = (hash: number): boolean => KnownKeys.passOf(hash, passes) === pass
  for await (const { rows } of there.pages()) {
    for (const row of rows) {
      const text = keyOf(row)
      const hash = KnownKeys.hashOf(text, forms.like(text))
      if (isHere(hash)) known.add(hash)
    }
    for (; pass === 0 && known.size > most && passes < likenesses; known.keep(isHere)) passes *= 2
  }
  known.close()
  const strangers = new KnownKeys()
  let crowded = false
  for await (const { rows } of flow.pages()) {
    for (const row of rows) {
      const text = keyOf(forms.named(row))
      const like = forms.like(text)
      const hash = KnownKeys.hashOf(text, like)
      if (!isHere(hash) || known.meet(hash) || forms.isExact) continue
      if (strangers.size < most) strangers.add(KnownKeys.hashOf(like))
      else crowded = true
    }
  }
  strangers.close()
  return { known, strangers, crowded, passes }
}

function isToChange(wasMet: boolean, row: Row, mark: Mark | null): boolean {
  return mark === null ? !wasMet : wasMet === isMarked(row[mark.field])
}

function changeOf(row: Row, key: readonly string[], wasMet: boolean, mark: Mark | null): Row {
  const change: Row = Object.fromEntries(key.map((name) => [name, row[name]]))
  if (mark !== null) change[mark.field] = wasMet ? mark.back : mark.gone
  return change
}

function pageOf(records: readonly Row[], key: readonly string[]): Page<Row> {
  // Where it stood says nothing: a read begins anew.
  return new MemoryPage({ records, from: 0, to: records.length, key }, 0, records.length * keyBytes)
}
