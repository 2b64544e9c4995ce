import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Binaries, findBinaries, MissingRedis, majorVersion } from './find-binaries.js'
import { Guard } from './guard.js'
import { installBinaries } from './install-binaries.js'
import type { RedisServer, RedisServerOptions } from './redis-server.js'

export const host = '127.0.0.1'

/** A server among others, that end together. */
export type Member = Omit<RedisServer, typeof Symbol.asyncDispose>

/** Servers that come and go together. */
export class Fleet {
  readonly #guard: Guard
  #members = 0

  constructor(
    private readonly binaries: Binaries,
    private readonly folder: string,
  ) {
    this.#guard = new Guard(folder)
  }

  launch(options: RedisServerOptions): Promise<Member> {
    const { settings = {}, newerSettings = {}, args = [], keepsData = false, tls, aclUsers } = options
    const name = `server-${++this.#members}`
    const cwd = join(this.folder, name)
    mkdirSync(cwd)
    const all = {
      bind: host,
      save: '',
      'repl-diskless-sync-delay': 0,
      // What was answered is with the system, which outlives the process.
      ...(keepsData && { appendonly: 'yes', appendfsync: 'no' }),
      ...(tls && { 'tls-auth-clients': 'no', 'tls-key-file': file(cwd, 'key', tls.key) }),
      ...(tls && { 'tls-cert-file': file(cwd, 'cert', tls.cert) }),
      ...(aclUsers && { aclfile: file(cwd, 'acl', usersFile(aclUsers)) }),
      ...settings,
      ...(Object.keys(newerSettings).length > 0 && majorVersion(this.binaries) >= 7 && newerSettings),
    }
    const start = (port: number, ready: string): Promise<void> => {
      const ports = tls ? { port: 0, 'tls-port': port } : { port }
      return this.#start(name, cwd, [...asArguments({ ...ports, ...all }), ...args], ready)
    }
    const login = settings.requirepass === undefined ? '' : `:${encodeURIComponent(settings.requirepass)}@`
    return this.#member(name, start, (port) => `${tls ? 'rediss' : 'redis'}://${login}${host}:${port}`)
  }

  /** @param config Lines of its file, which it rewrites. */
  launchSentinel(config: readonly string[]): Promise<Member> {
    const name = `sentinel-${++this.#members}`
    const cwd = join(this.folder, name)
    mkdirSync(cwd)
    const path = file(cwd, 'sentinel.conf', `${[`bind ${host}`, ...config].join('\n')}\n`)
    const start = (port: number): Promise<void> =>
      this.#start(name, cwd, [path, '--port', String(port), '--sentinel'], '+monitor')
    return this.#member(name, start, (port) => `redis://${host}:${port}`)
  }

  async end(): Promise<void> {
    await this.#guard.end()
  }

  async #member(
    name: string,
    start: (port: number, ready: string) => Promise<void>,
    urlOf: (port: number) => string,
  ): Promise<Member> {
    const ready = 'Ready to accept connections'
    const port = await onFreePort((free) => start(free, ready))
    return {
      url: urlOf(port),
      host,
      port,
      stop: () => this.#guard.signal(name, 'stop'),
      crash: () => this.#guard.signal(name, 'crash'),
      start: ({ isLoading = false } = {}) => start(port, isLoading ? 'Server initialized' : ready),
      pause: () => this.#guard.signal(name, 'pause'),
      resume: () => this.#guard.signal(name, 'resume'),
    }
  }

  #start(name: string, cwd: string, args: readonly string[], ready: string): Promise<void> {
    const { server, env } = this.binaries
    return this.#guard.start(name, { command: server, args, env, cwd, ready })
  }
}

/** What `begin` starts ends again if the rest of it fails. */
export async function withFleet<T>(begin: (fleet: Fleet) => Promise<T>): Promise<T> {
  const binaries = findBinaries() ?? installBinaries()
  if (binaries === null) throw new MissingRedis()
  const memory = '/dev/shm'
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'drover-redis-'))
  const fleet = new Fleet(binaries, folder)
  try {
    return await begin(fleet)
  } catch (error) {
    await fleet.end()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

function asArguments(settings: Readonly<Record<string, string | number>>): readonly string[] {
  // Several words are several arguments: Redis 6.2 takes none for another.
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')])
}

function file(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Who is not named keeps every right. */
function usersFile(users: Readonly<Record<string, string>>): string {
  const all = { default: 'on nopass ~* &* +@all', ...users }
  return Object.entries(all)
    .map(([name, rules]) => `user ${name} ${rules}\n`)
    .join('')
}

async function onFreePort(start: (port: number) => Promise<void>): Promise<number> {
  // Between looking for a free port and taking it, another process may take it.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      await start(port)
      return port
    } catch (error) {
      if (attempt < 5 && /already in use|bind/i.test(String(error))) continue
      throw error
    }
  }
}

/** A node of a cluster listens 10,000 above its port, too. */
const highestPort = 55_000

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port > highestPort ? freePort() : port))
    })
  })
}
