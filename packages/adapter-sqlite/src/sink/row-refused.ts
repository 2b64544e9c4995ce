import { DroverError } from '@drover/core'

/** The refusal of one row: of the store, or of ours because the store would change a value without a word. */
export function rowRefused(error: unknown, row: number, where: string): DroverError {
  const said = DroverError.isInstance(error) ? error.message : String(error)
  const cause = DroverError.isInstance(error) && error.cause !== undefined ? error.cause : error
  return new DroverError('RECORD_REFUSED', `${where}: row ${row} of the batch is refused: ${said}`, { row, cause })
}

/** Whether an error is about a record, so that the others can be written without it. */
export function isRefusal(error: unknown): boolean {
  return DroverError.isInstance(error, 'RECORD_REFUSED')
}
