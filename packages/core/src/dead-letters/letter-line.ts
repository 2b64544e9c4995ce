import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { decodeJson, encodeJson } from '../files/json-values.js'
import type { DeadLetter } from './dead-letter.js'

/**
 * A letter as one line of extended JSON, so that its record comes back as it was: of what records are made of, only
 * `Date` (an ISO 8601 text) and `Float32Array` (a list of numbers) do not. A record that JSON has no form for is left out.
 */
export function letterLine({ record, row, raw, ...head }: DeadLetter): string {
  const [recordText, whyRecord] = textOf(record)
  const [rowText, whyRow] = row === undefined ? [] : textOf(row)
  const omitted = head.omitted ?? whyRecord ?? whyRow
  const parts = [JSON.stringify({ ...head, ...(omitted === undefined ? {} : { omitted }) }).slice(1, -1)]
  parts.push(`"record":${recordText}`)
  if (rowText !== undefined) parts.push(`"row":${rowText}`)
  if (raw !== undefined) parts.push(`"raw":${encodeJson(raw)}`)
  return `{${parts.join(',')}}\n`
}

/** The letter of a line; undefined if it is none. */
export function letterOf(line: string): DeadLetter | undefined {
  const value = parsed(line)
  return isLetter(value) ? value : undefined
}

/** Begins a file: letters of the same run and partition, of earlier fences and behind that batch, count for nothing. */
export function voidLine(sequence: number): string {
  return `${JSON.stringify({ voidBehind: sequence })}\n`
}

/** Undefined if the line does not say so. */
export function voidBehind(line: string): number | undefined {
  if (!line.startsWith('{"voidBehind":')) return undefined
  const { voidBehind } = Object(parsed(line)) as { readonly voidBehind?: unknown }
  return typeof voidBehind === 'number' ? voidBehind : undefined
}

function parsed(line: string): unknown {
  try {
    return decodeJson(line)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function textOf(record: Row | null): readonly [text: string, why?: string] {
  if (record === null) return ['null']
  try {
    return [encodeJson(record, { anyFields: bigintFields(record) })]
  } catch (error) {
    if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
    return ['null', error.message]
  }
}

/** A small bigint would come back as a number. */
function bigintFields(record: Row): ReadonlySet<string> {
  return new Set(Object.keys(record).filter((name) => typeof record[name] === 'bigint'))
}

function isLetter(value: unknown): value is DeadLetter {
  if (typeof value !== 'object' || value === null) return false
  const { id, pipeline, run, partition, key, record, stage, error } = value as Partial<DeadLetter>
  return (
    [id, pipeline, run, partition, stage].every((text) => typeof text === 'string') &&
    (key === null || Array.isArray(key)) &&
    typeof record === 'object' &&
    typeof error === 'object' &&
    error !== null
  )
}
