import type { ColumnWriter, Page } from '@drover/core'

/** One call of a writer, with a copy of what it was given. */
export type Poured =
  | readonly ['null']
  | readonly ['boolean' | 'int32' | 'float64' | 'micros' | 'value', unknown]
  | readonly ['int64', bigint]
  | readonly ['bytes', Buffer]

/** A writer that notes what it is given. */
export class NotingWriter implements ColumnWriter {
  readonly calls: Poured[] = []

  null(): void {
    this.calls.push(['null'])
  }

  boolean(value: boolean): void {
    this.calls.push(['boolean', value])
  }

  int32(value: number): void {
    this.calls.push(['int32', value])
  }

  int64(low: number, high: number): void {
    this.calls.push(['int64', (BigInt(high) << 32n) | BigInt(low >>> 0)])
  }

  float64(value: number): void {
    this.calls.push(['float64', value])
  }

  micros(value: number): void {
    this.calls.push(['micros', value])
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.calls.push(['bytes', Buffer.from(from.slice(start, end))])
  }

  value(value: unknown): void {
    this.calls.push(['value', value])
  }
}

/** What a page gives to the writers of these fields, by field. */
export function poured(page: Page, fields: readonly string[], records?: ArrayLike<number>): readonly Poured[][] {
  const into = fields.map(() => new NotingWriter())
  page.pour?.({ fields, into, ...(records === undefined ? {} : { records }) })
  return into.map(({ calls }) => calls)
}
