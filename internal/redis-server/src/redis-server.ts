import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinaries } from './find-binaries.js'
import { Guard } from './guard.js'

export interface RedisServerOptions {
  /** Settings of the server, as in redis.conf. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Further arguments of the program. */
  readonly args?: readonly string[]
  /** What was acknowledged is there again after a crash. @default false, a server that is started again is empty */
  readonly keepsData?: boolean
}

/** A Redis of our own, gone with its data when it is disposed of or this process ends. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string
  readonly host: string
  readonly port: number
  /** Ends it as an administrator would. */
  stop(): Promise<void>
  /** Ends it at once. */
  crash(): Promise<void>
  /** Starts it again, on the same port. @param options.isLoading Come back while it still loads its data. */
  start(options?: { readonly isLoading?: boolean }): Promise<void>
  /** It hears nothing, and answers nothing, until it is resumed; connections stay. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** There is no Redis on this machine. */
export class MissingRedis extends Error {
  constructor() {
    super('There is no Redis here: set REDIS_URL to one, or install it (Debian: apt-get install redis-server).')
  }
}

/** Starts a server on a free port of this machine. It does not wait for disks. */
export async function startRedis({
  settings = {},
  args = [],
  keepsData = false,
}: RedisServerOptions = {}): Promise<RedisServer> {
  const binaries = findBinaries()
  if (binaries === null) throw new MissingRedis()
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-redis-'))
  const guard = new Guard(folder)
  const all = {
    bind: '127.0.0.1',
    databases: 1000,
    save: '',
    'repl-diskless-sync-delay': 0,
    // What was answered is with the system, which outlives the process.
    ...(keepsData && { appendonly: 'yes', appendfsync: 'no' }),
    ...settings,
  }
  mkdirSync(join(folder, 'data'))
  const host = '127.0.0.1'
  const start = (port: number, isLoading = false) =>
    guard.start('server', {
      command: binaries.server,
      args: [...Object.entries({ port, ...all }).flatMap(([name, value]) => [`--${name}`, String(value)]), ...args],
      env: binaries.env,
      cwd: join(folder, 'data'),
      ready: isLoading ? 'Server initialized' : 'Ready to accept connections',
    })
  try {
    const port = await onFreePort(start)
    return {
      url: `redis://${host}:${port}`,
      host,
      port,
      stop: () => guard.signal('server', 'stop'),
      crash: () => guard.signal('server', 'crash'),
      start: ({ isLoading = false } = {}) => start(port, isLoading),
      pause: () => guard.signal('server', 'pause'),
      resume: () => guard.signal('server', 'resume'),
      [Symbol.asyncDispose]: () => guard.end(),
    }
  } catch (error) {
    await guard.end()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function onFreePort(start: (port: number) => Promise<void>): Promise<number> {
  // Between looking for a free port and taking it, another process may take it.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      await start(port)
      return port
    } catch (error) {
      if (attempt < 5 && /Address already in use/.test(String(error))) continue
      throw error
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
