import { basename, dirname, join } from 'node:path'
import { identityOf } from '@drover/core'

/** Whether the file system of a path, which need not be there, takes a name in other letters for the same: as macOS and Windows do. */
export async function foldsNames(path: string): Promise<boolean> {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    const name = basename(at)
    const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
    if (other === name) continue
    const found = await identityOf(at)
    if (found === null) continue
    return (await identityOf(join(dirname(at), other)))?.inode === found.inode
  }
  return process.platform === 'win32' || process.platform === 'darwin'
}
