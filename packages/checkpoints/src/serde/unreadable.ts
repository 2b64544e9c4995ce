import { DroverError } from '@drover/core'

/** Bytes that are not what they are said to be. Whoever knows the value makes a `RECORD_UNREADABLE` of it. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'

  constructor(
    /** What is wrong there: "it ends within a text of 12 bytes". */
    readonly what: string,
    /** Counted from the value's first byte; null where it is not known. */
    readonly offset: number | null,
  ) {
    super(offset === null ? what : `at byte ${offset}: ${what}`)
  }
}

/** Values within values, at the most: as many as Python's own reader takes. */
export const deepest = 1024

/** More values lie within each other than are shown. The value itself may be whole. */
export class TooDeep extends Unreadable {
  constructor(offset: number | null = null) {
    super(`more than ${deepest} values lie within each other`, offset)
  }
}

/** Runs what reads a value, and names the value if it cannot be read. @throws `RECORD_UNREADABLE` */
export function naming<T>(value: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new DroverError(
      'RECORD_UNREADABLE',
      `${value} cannot be read${error.offset === null ? ':' : ''} ${error.message}.`,
      { cause: error },
    )
  }
}
