import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Row } from '@drover/core'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Table, tableFromIPC } from 'apache-arrow'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readParquet } from 'parquet-wasm'
import { onTestFinished } from 'vitest'
import type { TablePlan } from '../columns/column-plan.js'
import { fileFooter, fileHeader } from './file-footer.js'
import type { GroupEncoder } from './group-encoder.js'
import type { PlacedGroup } from './group-footer.js'
import { ipcOf } from './written-rows.js'

/** For tests of this folder: files that the encoder wrote, and others' eyes on them. */

/** A file of the row groups, in memory. */
export async function fileOf(
  encoder: GroupEncoder,
  table: TablePlan,
  groups: readonly (readonly Row[])[],
  keyValues: Record<string, string> = {},
): Promise<Buffer> {
  const parts = [fileHeader]
  const placed: PlacedGroup[] = []
  let at = fileHeader.length
  for (const rows of groups) {
    const { chunks, footer } = await encoder.encode(ipcOf(table, rows))
    // A journal keeps footers as JSON.
    placed.push({ footer: JSON.parse(JSON.stringify(footer)), at })
    parts.push(chunks)
    at += chunks.length
  }
  return Buffer.concat([...parts, await fileFooter(placed, { schema: await encoder.schema(), keyValues, at })])
}

/** A folder that is gone when the test ends. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'drover-encode-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

/** The file on the disk: its path. */
export async function saved(file: Uint8Array): Promise<string> {
  const name = path.join(await folder(), 'a.parquet')
  await writeFile(name, file)
  return name
}

/** Rows of a statement; `$file` in it is the path. */
export async function duckdb(sql: string, file: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create()).connect()
  try {
    return (await connection.runAndReadAll(sql.replaceAll('$file', `'${file}'`))).getRowObjectsJson()
  } finally {
    connection.closeSync()
  }
}

export async function hyparquet(file: Uint8Array, options: object = {}): Promise<Row[]> {
  return (await parquetReadObjects({ file: bufferOf(file), compressors, ...options })) as Row[]
}

export function metadata(file: Uint8Array): ReturnType<typeof parquetMetadata> {
  return parquetMetadata(bufferOf(file))
}

export function parquetWasm(file: Uint8Array): Table {
  return tableFromIPC(readParquet(file).intoIPCStream())
}

export function bufferOf(file: Uint8Array): ArrayBuffer {
  return Uint8Array.from(file).buffer
}
