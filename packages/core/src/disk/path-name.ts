import { normalize } from 'node:path'

/**
 * A path as names of sources and sinks show it, and as they are told apart: `./a.db`, `a.db` and `x/../a.db` are one. A relative
 * path stays relative, so that an application may be moved; whether two paths lead to one file over links, the text does
 * not say.
 */
export function pathName(path: string): string {
  const normal = normalize(path)
  return normal.length > 1 ? normal.replace(/[/\\]$/, '') : normal
}
