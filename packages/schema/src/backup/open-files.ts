import { readFile, readlink } from 'node:fs/promises'
import { namesIn } from '@drover/core'

/** A process that has a file open. */
export interface FileUser {
  readonly pid: number
  readonly command: string
}

/** Who has a file open, as far as this user may see. Only Linux says; elsewhere it is nobody. The file itself is not opened. */
export async function openFiles(path: string): Promise<readonly FileUser[]> {
  if (process.platform !== 'linux') return []
  const users: FileUser[] = []
  for (const name of await namesIn('/proc')) {
    if (!/^\d+$/.test(name) || !(await hasOpen(name, path))) continue
    const command = await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '')
    users.push({ pid: Number(name), command: command.trim() })
  }
  return users
}

async function hasOpen(process: string, path: string): Promise<boolean> {
  // Of another user, or gone by now.
  const descriptors = await namesIn(`/proc/${process}/fd`).catch(() => [])
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${process}/fd/${descriptor}`).catch(() => '')
    if (target === path) return true
  }
  return false
}

export function usersSaid(users: readonly FileUser[]): string {
  return users
    .map(({ pid, command }) => (pid === process.pid ? 'this process itself' : `${command} (pid ${pid})`))
    .join(', ')
}
