import { DroverError, type Page, type Row } from '@drover/core'
import { sqlState } from '../errors/postgres-error.js'

const foreignKeyViolation = '23503'

/**
 * Which row refers to what is not there. The server checks foreign keys once all rows are in, so it names no row, but it does say the
 * key: `Key (parent)=(77) is not present in table "parents".` Its text in another language, or a value that is printed otherwise than it
 * came, finds none.
 */
export function rowWithoutReference(error: unknown, pages: readonly Page<Row>[]): number | undefined {
  if (!DroverError.isInstance(error, 'RECORD_REFUSED') || sqlState(error.cause) !== foreignKeyViolation)
    return undefined
  const { detail = '' } = error.cause as { readonly detail?: string }
  const [, columns, values] = /^Key \((.+?)\)=\((.*)\) is not present in table /s.exec(detail) ?? []
  if (columns === undefined || values === undefined) return undefined
  const names = columns.split(', ')
  let place = 0
  for (const page of pages) {
    for (const row of page.rows()) {
      if (names.map((name) => shown(row, name)).join(', ') === values) return place
      place++
    }
  }
  return undefined
}

function shown(row: Row, name: string): string {
  const value = Object.hasOwn(row, name) ? row[name] : undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : '\0'
}
