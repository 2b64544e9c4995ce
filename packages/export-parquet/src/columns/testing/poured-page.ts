import { type ColumnWriter, encodeJson, type LogicalType, type Page, type Row } from '@drover/core'

/** A page of records with one field, `v`, that pours it as its source's type asks for: an independent reading of `ColumnWriter`. */
export function pouredPage(from: LogicalType, rows: readonly Row[]): Page {
  return {
    count: rows.length,
    bytes: 0,
    cursor: null,
    rows: () => rows,
    keys: () => [],
    slice: (start, end) => pouredPage(from, rows.slice(start, end)),
    pour({ into, records }) {
      const [writer] = into
      if (writer === undefined) return
      for (const place of Array.from(records ?? rows.keys())) pourValue(from, rows[place]?.v, writer)
    },
  }
}

function pourValue(from: LogicalType, value: unknown, writer: ColumnWriter): void {
  const text = String(value)
  const bytes = bytesOf(from, value)
  if (value === null || value === undefined) writer.null()
  else if (bytes !== undefined) pourBytes(bytes, writer)
  else if (from.kind === 'boolean') writer.boolean(value as boolean)
  else if (from.kind === 'int' && from.bits === 64) pourLong(BigInt(value as number), writer)
  else if (from.kind === 'int') writer.int32(value as number)
  else if (from.kind === 'float') writer.float64(value as number)
  else if (from.kind === 'date') writer.int32(Date.parse(`${text}T00:00:00Z`) / 86_400_000)
  else if (from.kind === 'time') pourMicros(`1970-01-01T${text}Z`, text, writer)
  else if (from.kind === 'timestamp') pourMicros(from.zone ? text : `${text}Z`, text, writer)
  else writer.value(value)
}

function bytesOf({ kind }: LogicalType, value: unknown): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  if (kind === 'text') return Buffer.from(value as string)
  if (kind === 'json') return Buffer.from(encodeJson(value, { values: 'plain' }))
  if (kind === 'uuid') return Buffer.from(String(value).replaceAll('-', ''), 'hex')
  return kind === 'bytes' ? (value as Uint8Array) : undefined
}

/** The lower half is taken modulo 2^32: half of the values give it with a sign. */
function pourLong(value: bigint, writer: ColumnWriter): void {
  const low = value % 2n === 0n ? BigInt.asIntN(32, value) : BigInt.asUintN(32, value)
  writer.int64(Number(low), Number(value >> 32n))
}

function pourMicros(instant: string, value: string, writer: ColumnWriter): void {
  const [whole = '', fraction = ''] = instant.slice(0, -1).split('.')
  const micros = BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'))
  if (micros >= -(2n ** 53n) && micros <= 2n ** 53n) writer.micros(Number(micros))
  else writer.value(value)
}

/** In the midst of others, as they stand in a page, and gone after the call. */
function pourBytes(bytes: Uint8Array, writer: ColumnWriter): void {
  const page = Buffer.alloc(bytes.length + 8, 0xee)
  page.set(bytes, 3)
  writer.bytes(page, 3, bytes.length + 3)
  page.fill(0)
}
