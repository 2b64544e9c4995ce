import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Binaries, findBinaries, program } from './find-binaries.js'

export interface PostgresServerOptions {
  /** Settings of the server, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Key and certificate in PEM: the server then speaks TLS, to those who ask for it. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Keep the data in memory, where the system has a file system there with room for it: databases and tables come and go faster. @default false */
  readonly inMemory?: boolean
  /** Ask for passwords by MD5: a connection then takes half the time. @default false, by SCRAM, as servers do */
  readonly quickLogins?: boolean
  /** Follow this server, which is stopped and started again for a copy of its data. */
  readonly standbyOf?: PostgresServer
}

/** A PostgreSQL of our own, gone with its data when it is disposed of or this process ends. */
export interface PostgresServer extends AsyncDisposable {
  /** Of the superuser, with the password: it is asked for. */
  readonly url: string
  /** `PostgreSQL 15.18`, and where it comes from. */
  readonly description: string
  /** The folder of its data. */
  readonly data: string
  /** Ends it as an administrator would: connections are told and closed. */
  stop(): Promise<void>
  /** Ends it at once, without a checkpoint. */
  crash(): Promise<void>
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>
}

/**
 * Starts a server on a free port of this machine, with its data in the temporary folder. It does not wait for disks, compares
 * text by ICU's rules and lives in a time zone that is not UTC, so that nothing relies on the simple case.
 */
export async function startPostgres({
  settings = {},
  tls,
  inMemory = false,
  quickLogins = false,
  standbyOf,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const binaries = findBinaries()
  if (binaries === null) throw new MissingPostgres()
  const folder = mkdtempSync(join((inMemory ? memoryFolder() : undefined) ?? tmpdir(), 'drover-postgres-'))
  try {
    const owner = unprivileged()
    if (owner) chownSync(folder, owner.uid, owner.gid)
    const programs = owner && binaries.isPackaged ? copyPrograms(binaries, folder) : binaries.folder
    const password = 'drover:@/test'
    if (standbyOf === undefined) initialise(programs, folder, password, owner, quickLogins ? 'md5' : 'scram-sha-256')
    else await copyData(standbyOf, join(folder, 'data'), owner)
    const guard = new Guard({
      command: join(programs, program('postgres')),
      args: serverArguments(folder, {
        ...(tls && tlsSettings(folder, tls, owner)),
        ...(standbyOf && { primary_conninfo: connectionOf(standbyOf) }),
        ...settings,
      }),
      folder,
      owner,
    })
    const port = await startOnFreePort(guard)
    const version = execFileSync(join(programs, program('postgres')), ['--version'], { encoding: 'utf8', ...owner })
    return {
      url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
      description: `PostgreSQL ${/[\d.]+/.exec(version)?.[0]} of ${binaries.isPackaged ? 'npm' : binaries.folder}`,
      data: join(folder, 'data'),
      stop: () => guard.ask('stop'),
      crash: () => guard.ask('crash'),
      start: () => guard.ask(`start ${port}`),
      [Symbol.asyncDispose]: () => guard.end(),
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** There is no PostgreSQL on this machine. */
export class MissingPostgres extends Error {
  constructor() {
    super(
      'There is no PostgreSQL here: set DATABASE_URL to one, install it (Debian: apt-get install postgresql), or install the ' +
        'optional dependencies of this workspace, which bring one.',
    )
  }
}

const memory = '/dev/shm'
/** Containers often have much less than that. */
const leastMemory = 2 ** 31

function memoryFolder(): string | undefined {
  if (!existsSync(memory)) return undefined
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize >= leastMemory ? memory : undefined
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root, so root runs it as somebody else. */
function unprivileged(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const found = ['postgres', 'nobody'].map((name) => users.find((line) => line.startsWith(`${name}:`))).find(Boolean)
  if (found === undefined)
    throw new Error('PostgreSQL cannot run as root, and there is no user "postgres" or "nobody".')
  const [, , uid, gid] = found.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** Root's folders are closed to others. */
function copyPrograms(binaries: Binaries, folder: string): string {
  cpSync(join(binaries.folder, '..'), join(folder, 'programs'), { recursive: true, verbatimSymlinks: true })
  return join(folder, 'programs/bin')
}

function initialise(
  programs: string,
  folder: string,
  password: string,
  owner: Owner | undefined,
  logins: 'md5' | 'scram-sha-256',
): void {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password)
  const args = ['-D', join(folder, 'data'), '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']
  args.push(`--pwfile=${passwordFile}`, `--auth-host=${logins}`, '--auth-local=trust')
  const initdb = (more: readonly string[]) =>
    execFileSync(join(programs, program('initdb')), [...args, ...more], { cwd: folder, stdio: 'pipe', ...owner })
  try {
    initdb(['--locale-provider=icu', '--icu-locale=und'])
  } catch (error) {
    // Built without ICU, or older than 15.
    if (!/ICU is not supported|locale-provider/.test(String((error as { readonly stderr?: unknown }).stderr)))
      throw error
    initdb([])
  }
  rmSync(passwordFile)
}

/** A copy that was made while nothing was written needs no backup protocol. */
async function copyData(primary: PostgresServer, data: string, owner: Owner | undefined): Promise<void> {
  await primary.stop()
  cpSync(primary.data, data, { recursive: true })
  await primary.start()
  // Where the server finds this file, it follows: https://www.postgresql.org/docs/current/warm-standby.html
  writeFileSync(join(data, 'standby.signal'), '')
  chmodSync(data, 0o700)
  if (owner === undefined) return
  chownSync(data, owner.uid, owner.gid)
  for (const name of readdirSync(data, { recursive: true })) chownSync(join(data, String(name)), owner.uid, owner.gid)
}

function connectionOf({ url }: PostgresServer): string {
  const { hostname, port, username, password } = new URL(url)
  return `host=${hostname} port=${port} user=${username} password='${decodeURIComponent(password)}' application_name=standby`
}

/** The server takes no key that others can read. */
function tlsSettings(
  folder: string,
  tls: { readonly key: string; readonly cert: string },
  owner: Owner | undefined,
): Readonly<Record<string, string>> {
  const files = { ssl_key_file: join(folder, 'server.key'), ssl_cert_file: join(folder, 'server.crt') }
  writeFileSync(files.ssl_key_file, tls.key, { mode: 0o600 })
  writeFileSync(files.ssl_cert_file, tls.cert)
  if (owner) chownSync(files.ssl_key_file, owner.uid, owner.gid)
  return { ssl: 'on', ...files }
}

function serverArguments(folder: string, settings: Readonly<Record<string, string | number>>): readonly string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: process.platform === 'win32' ? '' : folder,
    max_connections: 200,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    timezone: 'America/St_Johns',
    ...settings,
  }
  return ['-D', join(folder, 'data'), ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

async function startOnFreePort(guard: Guard): Promise<number> {
  // Between looking for a free port and taking it, another process may take it.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      await guard.ask(`start ${port}`)
      return port
    } catch (error) {
      if (attempt < 5 && /could not bind|Address already in use/.test(String(error))) continue
      await guard.end()
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

interface GuardSettings {
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  readonly owner: Owner | undefined
}

/** The process that ends the server when this one is gone. */
class Guard {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor(settings: GuardSettings) {
    const script = fileURLToPath(new URL('./guard.mjs', import.meta.url))
    // Detached: Ctrl-C is for this process, which then ends the guard.
    const child = spawn(process.execPath, [script, JSON.stringify(settings)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    this.#process = child
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    // A server that nobody disposed of keeps no process alive.
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as { unref(): void }).unref()
  }

  async ask(command: `start ${number}` | 'stop' | 'crash'): Promise<void> {
    const pipe = this.#process.stdout as unknown as { ref(): void; unref(): void }
    pipe.ref()
    this.#process.stdin?.write(`${command}\n`)
    const { value } = await this.#answers.next()
    pipe.unref()
    if (value === (command.startsWith('start') ? 'ready' : 'stopped')) return
    throw new Error(`PostgreSQL did not ${command}: ${value ?? 'its guard is gone'}`)
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    this.#process.ref()
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin?.end()
    await exited
  }
}
