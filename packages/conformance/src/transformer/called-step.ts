import type { TransformContext, TransformerTraits } from '@drover/core'
import { canonical } from '../support/canonical.js'

/** What one call came to; `text` is equal where the results are. */
export type Result = { readonly text: string } & (
  | { readonly kind: 'given'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'late'; readonly timeoutMs: number }
)

/** Where core keeps a transformer's batch form. */
const batchForm = Symbol.for('drover.transform.batch')

type Call = (record: never, context: TransformContext) => unknown
type BatchCall = (records: readonly object[], context: TransformContext) => unknown

/** A step, called as the engine calls it, each time with a copy of the record. */
export class CalledStep {
  readonly name: string
  readonly traits: TransformerTraits<never> | undefined
  readonly #call: Call
  readonly #batch: BatchCall | undefined
  readonly #context: TransformContext

  constructor(
    step: Call & { readonly traits?: TransformerTraits<never> },
    private readonly options: { readonly runStartedAt: Date; readonly timeoutMs: number },
  ) {
    this.name = step.traits?.name ?? (step.name === '' ? 'The transformer' : step.name)
    this.traits = step.traits
    this.#call = step
    this.#batch = (step as { readonly [batchForm]?: BatchCall })[batchForm]
    this.#context = { signal: new AbortController().signal, runStartedAt: options.runStartedAt }
  }

  /** Calls it with this very record. */
  async one(record: object): Promise<Result> {
    return await this.#settled(() => this.#call(record as never, this.#context))
  }

  async all(records: readonly object[]): Promise<Result[]> {
    const results: Result[] = []
    for (const record of records) results.push(await this.one(structuredClone(record)))
    return results
  }

  /** Calls its batch form, where it has one; a text says why there are no results. */
  async batch(records: readonly object[]): Promise<Result[] | string | undefined> {
    const batch = this.#batch
    if (batch === undefined) return undefined
    const result = await this.#settled(() => batch(structuredClone(records), this.#context))
    if (result.kind !== 'given')
      return `it failed on a batch of ${records.length} records that it takes one by one: ${result.text}`
    if (!Array.isArray(result.value) || result.value.length !== records.length) {
      const got = Array.isArray(result.value) ? `${result.value.length} results` : short(result.value)
      return `it gave ${got} for a batch of ${records.length} records; it gives one result per record, by place`
    }
    return result.value.map((value: unknown) => ({
      kind: 'given',
      value,
      text: short(value, Number.POSITIVE_INFINITY),
    }))
  }

  async #settled(call: () => unknown): Promise<Result> {
    const { timeoutMs } = this.options
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Result>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'late', timeoutMs, text: 'no answer' }), timeoutMs)
    })
    try {
      return await Promise.race([given(call), late])
    } finally {
      clearTimeout(timer)
    }
  }
}

async function given(call: () => unknown): Promise<Result> {
  try {
    const value = await call()
    return { kind: 'given', value, text: short(value, Number.POSITIVE_INFINITY) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { kind: 'threw', message, text: `an error (${message})` }
  }
}

/** A value in a message. */
export function short(value: unknown, length = 160): string {
  const text = canonical(value)
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
