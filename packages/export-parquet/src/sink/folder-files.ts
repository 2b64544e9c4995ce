import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { stagedPartitions, systemCode } from '@drover/core'
import { isParquetName } from '../parquet-name.js'
import { detailsOf, type OwnFile } from './details.js'

const deepest = 64

/** Parquet files in a folder and below, relative to it. What is hidden does not count: no reader of folders looks there. */
export async function parquetFilesIn(root: string, inside = '', depth = 0): Promise<string[]> {
  const files: string[] = []
  for (const entry of await entriesOf(`${root}/${inside}`)) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory() && depth < deepest) files.push(...(await parquetFilesIn(root, path, depth + 1)))
    else if (!entry.isDirectory() && isParquetName(entry.name)) files.push(path)
  }
  return files
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** Files that runs have placed or were to remove when they ended before their time: they are ours, and no manifest names them. */
export async function leftoversIn(staging: string): Promise<OwnFile[]> {
  const files = new Map<string, OwnFile>()
  for (const { manifest } of await stagedPartitions(staging)) {
    const { announced, leftovers = [] } = detailsOf(manifest)
    for (const file of leftovers) files.set(file.path, file)
    for (const file of announced?.remove ?? []) files.set(file.path, file)
    for (const { path, size } of announced?.files ?? []) files.set(path, { path, bytes: size })
  }
  return [...files.values()]
}
