import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJson, type Field, type LogicalType, type Row } from '@drover/core'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

/** Records of one file as hyparquet finds them, in the form in which records hold such values. It is told of no annotation but lists. */
export async function recordsOfFile(path: string, fields: readonly Field[]): Promise<Row[]> {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const schema = metadata.schema.map(({ logical_type: _, converted_type, ...element }) =>
    converted_type === 'LIST' ? { ...element, converted_type } : element,
  )
  const rows = await parquetReadObjects({ file, metadata: { ...metadata, schema }, compressors, utf8: false })
  const inFile = fields.filter(({ name }) => schema.some((element) => element.name === name))
  return rows.map((row) => Object.fromEntries(inFile.map(({ name, type }) => [name, heldOf(row[name] ?? null, type)])))
}

/** Records of a data set, by its manifest alone: folders are decoded here. */
export async function recordsOfSet(
  root: string,
  fields: readonly Field[],
  partitionBy: readonly string[] = [],
): Promise<Row[]> {
  if (!existsSync(join(root, '_manifest.json'))) return []
  const { files } = JSON.parse(readFileSync(join(root, '_manifest.json'), 'utf8')) as { files: { path: string }[] }
  const rows: Row[] = []
  for (const { path } of files) {
    const folders = new Map(
      path
        .split('/')
        .slice(0, -1)
        .map((folder) => folder.split('=') as [string, string]),
    )
    const values = partitionBy.map((name) => {
      const type = (fields.find((field) => field.name === name) as Field).type
      const text = folders.get(name) as string
      return [name, text === '__HIVE_DEFAULT_PARTITION__' ? null : folderValue(decodeURIComponent(text), type)] as const
    })
    for (const row of await recordsOfFile(join(root, path), fields))
      rows.push({ ...row, ...Object.fromEntries(values) })
  }
  return rows
}

/** All files below a folder that is not hidden, relative to it. */
export function filesBelow(root: string): string[] {
  if (!existsSync(root)) return []
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('.drover'))
    .sort()
}

function folderValue(text: string, { kind }: LogicalType): unknown {
  if (kind === 'int') return narrowed(BigInt(text))
  if (kind === 'boolean') return text === 'true'
  return text
}

function heldOf(value: unknown, type: LogicalType): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'int':
      return narrowed(BigInt(value as number | bigint))
    case 'text':
      return Buffer.from(value as Uint8Array).toString('utf8')
    case 'json':
      return decodeJson(Buffer.from(value as Uint8Array).toString('utf8'))
    case 'decimal':
      return decimalOf(value, type.scale ?? 0)
    case 'date':
      return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)
    case 'timestamp':
      return momentOf(BigInt(value as bigint), type)
    case 'uuid':
      return Buffer.from(value as Uint8Array)
        .toString('hex')
        .replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
    case 'vector':
      return Float32Array.from(value as Iterable<number>)
    default:
      return value
  }
}

function narrowed(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function decimalOf(value: unknown, scale: number): string {
  const bytes = value instanceof Uint8Array ? value : null
  const unscaled =
    bytes === null
      ? BigInt(value as number | bigint)
      : BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${fraction}`
}

function momentOf(value: bigint, { digits, zone }: LogicalType & { kind: 'timestamp' }): string {
  const perMilli = digits <= 3 ? 1n : digits <= 6 ? 1_000n : 1_000_000n
  const milli = value / perMilli - (value % perMilli < 0n ? 1n : 0n)
  const rest = String(value - milli * perMilli).padStart(Math.max(0, digits - 3), '0')
  const whole = new Date(Number(milli)).toISOString().slice(0, -1)
  return `${whole}${digits <= 3 ? '' : rest}${zone ? 'Z' : ''}`
}
