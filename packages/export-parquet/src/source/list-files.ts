import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DroverError, inputError, systemCode } from '@drover/core'
import { isParquetName } from '../parquet-name.js'
import { hiveColumns } from './hive-path.js'
import { manifestName, type ReadManifest, readManifest } from './read-manifest.js'

/** A file of a set. */
export interface ListedFile {
  /** Inside of the folder, with `/`; the file's own name if there is no folder. */
  readonly name: string
  /** As messages name it, and as it is opened. */
  readonly path: string
  readonly size: number
  /** What the names of its folders say, or the manifest. */
  readonly partition: ReadonlyMap<string, string | null>
  /** Records, as the manifest has them. */
  readonly rows?: number
}

export interface Listing {
  readonly files: readonly ListedFile[]
  readonly manifest: ReadManifest | null
}

/**
 * The files to be read: in the order of the manifest, which lists what was added later behind what was there, else in the order of their names.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID`, `STORE_DENIED`
 */
export async function listFiles(path: string, usesManifest: boolean): Promise<Listing> {
  try {
    const found = await stat(path)
    if (!found.isDirectory()) return { files: [oneFile(path, found)], manifest: null }
    const manifest = usesManifest ? await readManifest(path) : null
    if (manifest !== null) return { files: await manifestFiles(path, manifest), manifest }
    const names = await namesBelow(path, '')
    if (names.length === 0) {
      throw new DroverError(
        'SOURCE_NOT_FOUND',
        `${path} holds no file that ends in .parquet (names that begin with . or _ do not count).`,
      )
    }
    const files = names.sort(byName).map(async (name) => {
      const at = join(path, name)
      return { name, path: at, size: (await stat(at)).size, partition: hiveColumns(name) }
    })
    return { files: await Promise.all(files), manifest: null }
  } catch (error) {
    throw inputError(error, path)
  }
}

function oneFile(path: string, found: Stats): ListedFile {
  if (!found.isFile()) throw new DroverError('SOURCE_INVALID', `${path} is no regular file.`)
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  return { name, path, size: found.size, partition: new Map() }
}

async function manifestFiles(folder: string, { files, partitionBy }: ReadManifest): Promise<ListedFile[]> {
  const listed: ListedFile[] = []
  for (const { path: name, bytes, rows, partition } of files) {
    const path = join(folder, name)
    const size = await sizeOf(path)
    if (size !== bytes) {
      const is = size === null ? 'which is not there' : `which has ${size} bytes instead of ${bytes}`
      throw new DroverError(
        'SOURCE_INVALID',
        `${folder}/${manifestName} names ${name}, ${is}: the data set was changed after it was written. Write it anew, or read what is there with manifest: 'ignore'.`,
      )
    }
    const values = partition === undefined ? hiveColumns(name) : new Map(Object.entries(partition))
    listed.push({
      name,
      path,
      size,
      rows,
      partition: new Map(partitionBy.map((column) => [column, values.get(column) ?? null])),
    })
  }
  return listed
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : null
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
    throw inputError(error, path)
  }
}

const deepest = 64

async function namesBelow(folder: string, prefix: string, depth = 0): Promise<string[]> {
  if (depth > deepest) throw new DroverError('SOURCE_INVALID', `${folder} is nested more than ${deepest} folders deep.`)
  const names: string[] = []
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name
    const isLink = entry.isSymbolicLink()
    const at = isLink ? await stat(join(folder, name)) : entry
    // A column may be called `_x`: as for Spark, the name of its folder counts then.
    const isHidden = entry.name.startsWith('.') || entry.name.startsWith('_')
    if (at.isDirectory()) {
      if (!isHidden || entry.name.indexOf('=') > 0) names.push(...(await namesBelow(folder, `${name}/`, depth + 1)))
    } else if (at.isFile() && !isHidden && isParquetName(name)) names.push(name)
  }
  return names
}

/** By UTF-16 units: the same on every machine. */
function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
