import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '@drover/core'
import type { DatasetManifest } from '@drover/export-parquet'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { plainRow } from './plain-row.js'

/** Rows by another reader than the source's. */
export async function rowsInParquet(file: string): Promise<Row[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors, utf8: false })
  return rows.map(plainRow)
}

/** Rows of the files that the manifest of a data set lists. There are to be no others. */
export async function rowsInDataSet(folder: string): Promise<Row[]> {
  const { files, rows } = JSON.parse(readFileSync(join(folder, '_manifest.json'), 'utf8')) as DatasetManifest
  const there = readdirSync(folder, { recursive: true }).map(String)
  const listed = files.map(({ path }) => path)
  const wrong = there.filter((name) => name.endsWith('.parquet') && !listed.includes(name))
  if (wrong.length > 0) throw new Error(`The data set has files that its manifest does not list: ${wrong.join(', ')}.`)
  const found: Row[] = []
  for (const { path, partition } of files)
    found.push(...(await rowsInParquet(join(folder, path))).map((row) => ({ ...row, ...partition })))
  if (found.length !== rows) throw new Error(`The manifest says ${rows} rows, and its files have ${found.length}.`)
  return found
}
