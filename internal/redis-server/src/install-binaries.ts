import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Binaries, findBinaries, findProgram, unpacked, unpackedBinaries } from './find-binaries.js'

/** A Redis for a machine of Debian's kind that has none: installed by root, unpacked into the workspace by others. Null where it cannot be had. */
export function installBinaries(): Binaries | null {
  if (findProgram('apt-get') === undefined) return null
  if (process.getuid?.() === 0) {
    const install = (): boolean => succeeds('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'])
    // Images of containers come without the lists of packages.
    if (install() || (succeeds('apt-get', ['update']) && install())) return findBinaries()
  }
  return unpackBinaries()
}

/** The server, and the libraries that are its alone. */
const packages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1']

/** For this, nothing but the right to write into the workspace is needed. */
export function unpackBinaries(): Binaries | null {
  if (findProgram('dpkg') === undefined) return null
  const downloads = join(unpacked, 'downloads')
  mkdirSync(downloads, { recursive: true })
  try {
    // One by one: not every release has all of them.
    for (const name of packages) succeeds('apt-get', ['download', name], downloads)
    for (const name of readdirSync(downloads)) succeeds('dpkg', ['-x', join(downloads, name), unpacked])
  } finally {
    rmSync(downloads, { recursive: true, force: true })
  }
  return unpackedBinaries()
}

const longestMs = 120_000

function succeeds(command: string, args: readonly string[], cwd?: string): boolean {
  try {
    execFileSync(command, args, {
      stdio: 'ignore',
      timeout: longestMs,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      ...(cwd === undefined ? {} : { cwd }),
    })
    return true
  } catch {
    return false
  }
}
