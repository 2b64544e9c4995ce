import type { ErrorCode } from './codes.js'

/** What an error of a driver means to the person on call. */
export interface FailureMeaning {
  readonly code: ErrorCode
  /** What to do, as a sentence. */
  readonly remedy: string
  /** The same call may succeed if it is made again. @default false */
  readonly retry?: boolean
}

/** What a connection that ended by itself means. */
export const connectionBroke: FailureMeaning = {
  code: 'STORE_UNAVAILABLE',
  remedy: 'The connection broke off: the server restarted, or closed it.',
  retry: true,
}

const unreachable: FailureMeaning = {
  code: 'STORE_UNAVAILABLE',
  remedy: 'The host cannot be reached from here.',
  retry: true,
}

/** What failures of the network mean, by the `code` of errors of Node: for adapters of stores that are reached over one, or over a socket. */
export const networkFailures: Readonly<Record<string, FailureMeaning>> = {
  ECONNREFUSED: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'No server answers there: check host and port, and that it runs.',
    retry: true,
  },
  ENOTFOUND: { code: 'STORE_UNAVAILABLE', remedy: 'There is no such host: check its name.' },
  EAI_AGAIN: { code: 'STORE_UNAVAILABLE', remedy: 'The name of the host could not be looked up.', retry: true },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'The server did not answer in time: check host and port, and what lies between.',
    retry: true,
  },
  ECONNRESET: connectionBroke,
  ECONNABORTED: connectionBroke,
  EPIPE: connectionBroke,
  ENOENT: {
    code: 'STORE_UNAVAILABLE',
    remedy: 'There is no such socket: check its path, and that the server runs.',
    retry: true,
  },
  EACCES: { code: 'STORE_DENIED', remedy: 'This user may not open the socket of the server.' },
}
