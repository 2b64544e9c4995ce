import { DroverError } from '@drover/core'

/** What a server says no to while it is read is no record: it is how reading was asked for, a filter most of all. */
export function refusedRead(error: unknown): never {
  if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
  throw new DroverError('SOURCE_INVALID', error.message, { cause: error })
}
