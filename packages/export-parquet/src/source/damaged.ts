import { DroverError } from '@drover/core'

/** What a file is not that it should be, said by us or by hyparquet, with its place. */
export function damaged(where: string, error: unknown): DroverError {
  if (DroverError.isInstance(error)) return error
  const said = error instanceof Error ? error.message.replace(/^parquet /, '') : String(error)
  return new DroverError(
    'SOURCE_INVALID',
    `${where} cannot be read: ${said}. The file is damaged, or written by a library that breaks the format: write it anew.`,
    { cause: error },
  )
}
