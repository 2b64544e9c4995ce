import { DroverError, ValueRefused } from '@drover/core'
import type { WireColumn } from './wire-type.js'

/**
 * What a codec refused, as the refusal of a row.
 *
 * @param row Its place in the batch, if known.
 */
export function rowRefused(error: unknown, { name, type }: WireColumn, where: string, row?: number): unknown {
  if (!(error instanceof ValueRefused)) return error
  const place = row === undefined ? '' : ` of record ${row + 1} of the batch`
  return new DroverError(
    'RECORD_REFUSED',
    `${where}: field "${name}"${place} is ${error.what}, which the column's type ${type.name} cannot take. ${error.remedy}`,
    { cause: error, ...(row === undefined ? {} : { row }) },
  )
}
