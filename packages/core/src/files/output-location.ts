import { constants } from 'node:fs'
import { access, readlink, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { makeFolder, syncFolder } from '../disk/durable.js'
import { systemCode } from '../disk/file-error.js'
import { makePath } from '../disk/make-path.js'
import { safeName } from '../disk/safe-name.js'
import { DroverError } from '../errors/drover-error.js'

/** Where an output goes, and where it is put together. */
export interface OutputLocation {
  /** Absolute, links resolved. */
  readonly path: string
  readonly staging: string
}

/** Where a file is to be written; looks, and changes nothing. @throws `SINK_NOT_READY`, `STORE_DENIED` */
export async function locateFile(output: string): Promise<OutputLocation> {
  const path = await followLinks(output)
  const kind = await kindOf(path)
  if (kind === 'folder') {
    throw new DroverError('SINK_NOT_READY', `${output} is a folder. Name a file in it.`)
  }
  if (kind === 'other') {
    throw new DroverError(
      'SINK_NOT_READY',
      `${output} is no regular file, and cannot be replaced by one. Name another path.`,
    )
  }
  await checkWritable(dirname(path))
  return { path, staging: `${dirname(path)}/.drover/files/${safeName(basename(path))}` }
}

/** Where a folder of files is to be written; looks, and changes nothing. @throws `SINK_NOT_READY`, `STORE_DENIED` */
export async function locateFolder(output: string): Promise<OutputLocation> {
  const path = resolve(output)
  const kind = await kindOf(path)
  if (kind === 'file' || kind === 'other') {
    throw new DroverError('SINK_NOT_READY', `${output} is a file. Name a folder, or write one file with path.`)
  }
  await checkWritable(path)
  return { path, staging: `${path}/.drover/files/batches` }
}

/** Makes the folders that are missing: the output's with the rights that are usual here, the others for the owner alone. */
export async function makeFolders(folder: string, staging: string): Promise<void> {
  const first = await makePath(folder)
  if (first !== undefined) await syncFolder(dirname(first))
  await makeFolder(staging, `${folder}/.drover`)
}

/** A link is not replaced by the file but leads to it. */
async function followLinks(output: string): Promise<string> {
  let path = resolve(output)
  for (let links = 0; links < 40; links++) {
    try {
      path = resolve(dirname(path), await readlink(path))
    } catch (error) {
      // EINVAL: no link. Whatever else is wrong with the path, writing says it better.
      if (['EINVAL', 'ENOENT', 'ENOTDIR', 'UNKNOWN'].includes(systemCode(error) ?? '')) return path
      throw error
    }
  }
  throw new DroverError('SINK_NOT_READY', `${output} is a link that leads back to itself.`)
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other'
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** The nearest folder that is there must let this user make files. */
async function checkWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error
    await checkWritable(dirname(folder))
  }
}
