// @ts-check
// Plain JavaScript: a worker thread runs this file as it stands, in `src` and in `dist`.

/** @import { Encoded, EncodeRequest, EncodingFailure } from './encode-thread.js' */
/** @import { WriterSettings } from './write-parquet.mjs' */
/** @import { Table, WriterPropertiesBuilder } from 'parquet-wasm' */

/** More than any group has: everything becomes one row group. */
const rowsWithoutEnd = 2 ** 31 - 1

/**
 * @param {EncodeRequest} request
 * @returns {Promise<Encoded | EncodingFailure>}
 */
export async function encode({ ipc, variants, onlyFooters }) {
  try {
    await import('parquet-wasm')
  } catch (error) {
    return { failed: messageOf(error), isMissing: true }
  }
  try {
    const files = []
    for (const settings of variants) {
      const file = await writeParquet(ipc, settings)
      files.push(onlyFooters ? footerOnly(file) : file)
    }
    const { wasmMemory } = await import('parquet-wasm')
    return { files, ipc, libraryBytes: wasmMemory().buffer.byteLength }
  } catch (error) {
    return { failed: messageOf(error) }
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}

/**
 * A Parquet file of one row group, with what parquet-rs has for defaults: pages of at most 20,000 rows or 1 MiB, so that a reader with the
 * page index reads little for few rows; statistics of texts cut to 64 bytes, so that long ones do not fill the footer; pages of version 1,
 * which every reader knows.
 *
 * @param {Uint8Array} ipc
 * @param {WriterSettings} settings
 * @returns {Promise<Uint8Array>}
 */
async function writeParquet(ipc, settings) {
  // Loaded here, so that only the thread that encodes compiles the library.
  const library = await import('parquet-wasm')
  const builder = propertiesOf(new library.WriterPropertiesBuilder(), settings)
  /** @type {Table} */
  let table
  try {
    table = library.Table.fromIPCStream(ipc)
  } catch (error) {
    builder.free()
    throw error
  }
  // Both belong to the library from here on.
  return library.writeParquet(table, builder.build())
}

/**
 * Each call takes the builder and gives another.
 *
 * @param {WriterPropertiesBuilder} builder
 * @param {WriterSettings} settings
 */
function propertiesOf(builder, { codec, dictionary, columns }) {
  let properties = builder.setCompression(codec).setDictionaryEnabled(dictionary).setMaxRowGroupSize(rowsWithoutEnd)
  for (const { name, dictionary, encoding } of columns) {
    properties = properties.setColumnDictionaryEnabled(name, dictionary)
    if (encoding !== undefined) properties = properties.setColumnEncoding(name, encoding)
  }
  return properties
}

/**
 * The end of a Parquet file: its footer, without which nobody knows how its columns turned out.
 *
 * @param {Uint8Array} file
 */
function footerOnly(file) {
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getUint32(file.length - 8, true)
  return file.slice(file.length - 8 - length)
}
