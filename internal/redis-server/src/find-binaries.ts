import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The program of a Redis, or a Valkey. */
export interface Binaries {
  readonly server: string
  /** What it needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>
}

const names = ['redis-server', 'valkey-server']

/** The Redis of this machine; null if there is none. */
export function findBinaries(): Binaries | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const server = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path))
  return server === undefined ? null : { server, env: {} }
}

/** There is no Redis on this machine. */
export class MissingRedis extends Error {
  constructor() {
    super('There is no Redis here: set REDIS_URL to one, or install it (Debian: apt-get install redis-server).')
  }
}
