import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The program of a Redis, or a Valkey. */
export interface Binaries {
  readonly server: string
  /** What it needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>
}

/** Where Debian's packages are unpacked by who may not install them. */
export const unpacked = fileURLToPath(new URL('../../../node_modules/.cache/drover-redis', import.meta.url))

const names = ['redis-server', 'valkey-server']

/** The Redis of this machine, else one that was unpacked here before; null if there is none. */
export function findBinaries(): Binaries | null {
  const server = names.map(findProgram).find((path) => path !== undefined)
  return server === undefined ? unpackedBinaries() : { server, env: {} }
}

/** Where a program of this machine is. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** It finds its libraries where they were unpacked. */
export function unpackedBinaries(): Binaries | null {
  const server = join(unpacked, 'usr/bin/redis-server')
  if (!existsSync(server)) return null
  const folders = readdirSync(join(unpacked, 'usr/lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.so(?:\.|$)/.test(name))
    .map((name) => dirname(join(unpacked, 'usr/lib', name)))
  const path = [...new Set(folders), process.env.LD_LIBRARY_PATH ?? '']
    .filter((folder) => folder !== '')
    .join(delimiter)
  return { server, env: { LD_LIBRARY_PATH: path } }
}

/** 6, 7, … */
export function majorVersion({ server, env }: Binaries): number {
  const said = execFileSync(server, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' })
  return Number(/v=(\d+)/.exec(said)?.[1])
}

/** There is no Redis on this machine. */
export class MissingRedis extends Error {
  constructor() {
    super('There is no Redis here: set REDIS_URL to one, or install it (Debian: apt-get install redis-server).')
  }
}
