import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { DroverError, type Operation, redactSecrets } from '@drover/core'

/** The version of the pg_dump on PATH, such as 15; null if there is none. */
export async function pgDumpVersion(): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('pg_dump', ['--version'])
    const found = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]
    return found === undefined ? null : Number(found)
  } catch {
    return null // not installed, or not to be started: our own is used
  }
}

interface PgDump {
  /** With its secret, which pg_dump gets by its environment: a command line can be read by everybody on the machine. */
  readonly url: string
  readonly file: string
  readonly snapshot: string
  /** For messages. */
  readonly name: string
}

/** @throws `BACKUP_INVALID` with what pg_dump said */
export async function runPgDump({ url, file, snapshot, name }: PgDump, { signal }: Operation): Promise<void> {
  const { address, variables } = withoutPassword(url)
  const options = ['--format=plain', '--encoding=UTF8', '--no-password', '--no-subscriptions']
  const child = spawn('pg_dump', [...options, `--snapshot=${snapshot}`, `--file=${file}`, `--dbname=${address}`], {
    // Rows are compared as text.
    env: { ...process.env, ...variables, PGTZ: 'UTC', PGAPPNAME: 'drover' },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2000)
  })
  const [code] = (await once(child, 'close').catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })) as [number | null]
  if (code === 0) return
  throw new DroverError(
    'BACKUP_INVALID',
    `pg_dump failed on ${name}: ${redactSecrets(said.trim()).replace(/\.$/, '')}. Nothing was kept. Mend it, or have Drover make the backup itself: tool: 'drover'.`,
  )
}

/** The URL as it may be seen, and the variables with what may not. What only pg knows is left out, as libpq would refuse it. */
export function withoutPassword(url: string): {
  readonly address: string
  readonly variables: Readonly<Record<string, string>>
} {
  const [, scheme = 'postgres://', user = '', password, rest = ''] =
    /^(postgres(?:ql)?:\/\/)(?:([^:@/?]*)(?::([^@/?]*))?@)?(.*)$/i.exec(url) ?? []
  const [place = '', query = ''] = rest.split('?')
  const parameters = new URLSearchParams(query)
  const secret = parameters.get('password') ?? (password === undefined ? undefined : decodeURIComponent(password))
  for (const known of ['password', 'ssl', 'uselibpqcompat', 'max']) parameters.delete(known)
  if (parameters.get('sslmode') === 'no-verify') parameters.set('sslmode', 'require')
  const left = parameters.toString()
  return {
    address: `${scheme}${user === '' ? '' : `${user}@`}${place}${left === '' ? '' : `?${left}`}`,
    variables: secret === undefined || secret === null ? {} : { PGPASSWORD: secret },
  }
}
