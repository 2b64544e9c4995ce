import { withFleet } from './fleet.js'

export interface RedisServerOptions {
  /** Settings of the server, as in redis.conf. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Settings that Redis 7.0 brought: an older server goes without. */
  readonly newerSettings?: Readonly<Record<string, string | number>>
  /** Further arguments of the program. */
  readonly args?: readonly string[]
  /** What was acknowledged is there again after a crash. @default false, a server that is started again is empty */
  readonly keepsData?: boolean
  /** Key and certificate in PEM: the server then speaks nothing but TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Rules of users, such as `{ default: 'off', reader: 'on >secret ~* +@read' }`. */
  readonly aclUsers?: Readonly<Record<string, string>>
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

/** Starts a server on a free port of this machine. It does not wait for disks. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  return withFleet(async (fleet) => ({ ...(await fleet.launch(options)), [Symbol.asyncDispose]: () => fleet.end() }))
}
