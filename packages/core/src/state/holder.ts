import { hostname } from 'node:os'

/**
 * Whether the process of a holder `<host>:<pid>:<uuid>` is known to be gone: it ran on this host, and no process has its
 * number any more. A wrong answer costs no data, for whoever takes over raises the fence: at worst a live run is stopped,
 * or a dead one waited for until its lease ends (its number was given to another process).
 */
export function isHolderGone(holder: string): boolean {
  const [, host, pid] = /^(.*):(\d+):[^:]*$/.exec(holder) ?? []
  if (host !== hostname() || pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
