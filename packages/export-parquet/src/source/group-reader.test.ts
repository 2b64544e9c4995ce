import { join } from 'node:path'
import type { ColumnChunk, ColumnMetaData } from 'hyparquet/src/types.js'
import { expect, test } from 'vitest'
import { copyTo, tempFolder } from '../../test/source-fixtures.js'
import { FileBytes } from './file-bytes.js'
import type { OpenFile } from './file-set.js'
import { readFooter } from './footer.js'
import { GroupReader } from './group-reader.js'

/** A file whose footer says something else of its first column. */
async function fileWith(change: (chunk: ColumnChunk) => ColumnChunk): Promise<OpenFile> {
  const path = await copyTo(join(await tempFolder(), 'x.parquet'), 'SELECT i AS n FROM range(10) r(i)')
  const bytes = await FileBytes.open(path)
  const footer = await readFooter(bytes)
  const groups = footer.groups.map((group) => ({ ...group, columns: group.columns.map(change) }))
  return { bytes, footer: { ...footer, groups }, [Symbol.asyncDispose]: () => bytes[Symbol.asyncDispose]() }
}

const withMetadata = (change: object) => (chunk: ColumnChunk) => ({
  ...chunk,
  meta_data: { ...chunk.meta_data, ...change } as ColumnMetaData,
})

async function refusal(change: (chunk: ColumnChunk) => ColumnChunk): Promise<unknown> {
  await using file = await fileWith(change)
  try {
    const reader = new GroupReader(file, 0, file.footer.columns)
    await reader.next({ records: 100, bytes: 1e9 })
    return 'nothing was refused'
  } catch (error) {
    return error
  }
}

test('a codec that nobody has is named, with the place', async () => {
  expect(await refusal(withMetadata({ codec: 'LZO' }))).toMatchObject({
    code: 'SOURCE_INVALID',
    message: expect.stringMatching(
      /x\.parquet: row group 0, column "n" is compressed with LZO, which Drover does not read/,
    ),
  })
  expect(String(await refusal(withMetadata({ codec: undefined })))).toContain('a codec that is not known')
})

test('an encrypted column is named', async () => {
  expect(String(await refusal((chunk) => ({ ...chunk, crypto_metadata: {} })))).toContain('column "n" is encrypted')
})

test.each([
  ['fewer values than there are', { num_values: 5n }, 'its pages have more values than the footer says'],
  ['a place outside of the file', { data_page_offset: 10n ** 12n }, 'an impossible place'],
  ['a codec that it was not written with', { codec: 'ZSTD' }, 'cannot be read'],
])('a footer that claims %s is refused', async (_, change, says) => {
  expect(String(await refusal(withMetadata(change)))).toContain(says)
})
