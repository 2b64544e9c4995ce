import { connectionBroke, type FailureMeaning, networkFailures } from '@drover/core'

/** What an error means to the person on call. */
export interface Meaning extends FailureMeaning {
  /** How long it takes at the least until it may succeed. */
  readonly retryAfterMs?: number
}

const asCluster =
  "This is a cluster: give its nodes as connection: { cluster: ['redis://host:port', …] }, so that all of them are used."

/** By the first word of what a server answers: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
export const answers: Readonly<Record<string, Meaning>> = {
  ASK: { code: 'OPTION_INVALID', remedy: asCluster },
  BUSY: {
    code: 'STORE_BUSY',
    remedy: 'A script runs on the server for long: wait for its end, or end it with SCRIPT KILL.',
    retry: true,
  },
  CLUSTERDOWN: { code: 'STORE_UNAVAILABLE', remedy: 'The cluster has lost a part of its slots.', retry: true },
  CROSSSLOT: { code: 'OPTION_INVALID', remedy: asCluster },
  DENIED: {
    code: 'STORE_DENIED',
    remedy: 'The server is in protected mode: set a password there, and give it here.',
  },
  LOADING: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'The server has started and still loads its data.',
    retry: true,
    retryAfterMs: 1000,
  },
  MASTERDOWN: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'It is a replica that has lost its master and answers nothing (replica-serve-stale-data no).',
    retry: true,
  },
  MISCONF: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'The server cannot save to its disk, and takes no writes until it can: see its log.',
  },
  MOVED: { code: 'OPTION_INVALID', remedy: asCluster },
  NOAUTH: { code: 'STORE_DENIED', remedy: 'The server asks for a password, and none was given.' },
  NOPERM: { code: 'STORE_DENIED', remedy: 'Grant it to the user with ACL SETUSER.' },
  NOREPLICAS: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'Fewer replicas follow than min-replicas-to-write asks for.',
    retry: true,
  },
  OOM: {
    code: 'STORE_FULL',
    remedy: 'Raise maxmemory of the server, or make room, then run again: nothing of this batch was written.',
  },
  READONLY: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'It is a replica now, as after a failover: the connection is made anew.',
    retry: true,
  },
  TRYAGAIN: {
    code: 'STORE_BUSY',
    remedy: 'The slot of these keys moves to another node, and a part of them is there already.',
    retry: true,
  },
  WRONGPASS: {
    code: 'STORE_DENIED',
    remedy: 'The password or the name of the user is wrong, or the user is switched off.',
  },
  WRONGTYPE: { code: 'RECORD_REFUSED', remedy: 'The key holds a value of another type.' },
}

/** By the `code` of errors of Node. */
export const systemErrors: Readonly<Record<string, Meaning>> = {
  ...networkFailures,
  EPROTO: {
    code: 'OPTION_INVALID',
    remedy: 'If the server speaks no TLS on this port, write redis:// instead of rediss://, or leave tls out.',
  },
}

/** What servers say behind `ERR`, and ioredis without a code. */
export const phrases: readonly (readonly [RegExp, Meaning])[] = [
  [
    /DB index is out of range|invalid DB index/i,
    {
      code: 'OPTION_INVALID',
      remedy: 'The server has no database of that number: see its setting databases, and the end of the URL, or db.',
    },
  ],
  [/SELECT is not allowed in cluster mode/, { code: 'OPTION_INVALID', remedy: asCluster }],
  [
    /cluster support disabled/,
    { code: 'OPTION_INVALID', remedy: 'It is no cluster: give its URL as connection, without cluster.' },
  ],
  [
    /max number of clients/,
    {
      code: 'STORE_BUSY',
      remedy: 'The server has no room for more connections: see its setting maxclients.',
      retry: true,
    },
  ],
  // What NOPERM is called inside a script: before Redis 7.2, and since.
  [
    /The user executing the script can't|ACL failure in script/,
    { code: 'STORE_DENIED', remedy: 'Grant the user what the script calls, and the keys, with ACL SETUSER.' },
  ],
  [
    /running in protected mode/,
    { code: 'STORE_DENIED', remedy: 'The server is in protected mode: set a password there, and give it here.' },
  ],
  // RedisJSON's words for WRONGTYPE.
  [/Existing key has wrong Redis type/, { code: 'RECORD_REFUSED', remedy: 'The key holds a value of another type.' }],
  [
    /exceeds maximum allowed size|invalid bulk length|invalid multibulk length/,
    { code: 'RECORD_REFUSED', remedy: 'A value is beyond what the server takes: see its setting proto-max-bulk-len.' },
  ],
  // What asks for the master is ioredis.
  [
    /unknown command .sentinel/i,
    {
      code: 'OPTION_INVALID',
      remedy:
        "No sentinel answers there, but another server: give the addresses of the sentinels (often port 26379), or the server's own URL as connection, without sentinels.",
    },
  ],
  [
    /unknown (?:redis )?command|unknown subcommand/i,
    {
      code: 'UNEXPECTED',
      remedy: 'The server does not know the command: it is older than Redis 6.2, lacks a module, or has renamed it.',
    },
  ],
  [
    /certificate|self.signed|altnames/i,
    {
      code: 'STORE_DENIED',
      remedy: "The server's certificate is not trusted: give its authority as tls: { ca }.",
    },
  ],
  [
    /Protocol error, got|Unknown RESP type/,
    { code: 'OPTION_INVALID', remedy: 'What answers there is no Redis: check host and port.' },
  ],
  [
    /sentinels? (?:are unreachable|is unreachable)|All sentinels/i,
    { code: 'STORE_UNAVAILABLE', remedy: 'Check the sentinels and the name of the master.', retry: true },
  ],
  [
    /Command timed out|Socket timeout/,
    {
      code: 'STORE_UNAVAILABLE',
      remedy: 'The server did not answer in time: see socketTimeout and commandTimeout of the connection.',
      retry: true,
    },
  ],
  [
    /Connection is closed|max retries per request|Stream isn't writeable|due to connection close|socket disconnected|Connection lost/i,
    connectionBroke,
  ],
]

/** What redirects to another node means where the cluster is known: its slots are looked up again. */
export const redirected: Meaning = {
  code: 'STORE_UNAVAILABLE',
  remedy: 'The slot has moved to another node of the cluster, which is looked up.',
  retry: true,
}
