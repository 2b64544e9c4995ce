import { DroverError } from '@drover/core'

/** What an address says. */
export interface Address {
  readonly scheme: 'http' | 'https'
  /** Of IPv6 in brackets. */
  readonly host: string
  readonly port: number
  /** Empty, or with a slash in front and none at its end. */
  readonly prefix: string
  readonly user?: string
  readonly password?: string
}

/** Qdrant's clients take this one for https, too. */
const defaultPort = 6333

/**
 * Reads an address.
 *
 * @throws `OPTION_INVALID`, without what the address holds
 */
export function parseUrl(where: string, origin: string, text: string): Address {
  const refuse = (problem: string): DroverError =>
    new DroverError('OPTION_INVALID', `${where}: ${origin} ${problem}. It is http://host:6333, or https:// for TLS.`)
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? []
  if (scheme === undefined) throw refuse('is no URL')
  if (!/^https?$/i.test(scheme)) throw refuse(`begins with ${scheme}://`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  // What stands there is the end of a password.
  if (url === undefined || /@|#/.test(url.pathname + url.search + url.hash)) {
    throw refuse('cannot be read: in a user name or password, @ is written as %40, / as %2F, # as %23, ? as %3F')
  }
  if (url.search !== '') throw refuse('has a query; a key is given as apiKey')
  return {
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    host: url.hostname,
    port: url.port === '' ? (statedPort(text) ?? defaultPort) : Number(url.port),
    prefix: url.pathname.replace(/\/+$/, ''),
    ...(url.username === '' ? {} : { user: decoded(url.username, refuse) }),
    ...(url.password === '' ? {} : { password: decoded(url.password, refuse) }),
  }
}

/** `URL` leaves out the port that a scheme has by itself, also where it is written. */
function statedPort(text: string): number | undefined {
  const [, authority = ''] = /^[^:]+:\/\/([^/?#]*)/.exec(text) ?? []
  const [, port] = /:(\d+)$/.exec(authority) ?? []
  return port === undefined ? undefined : Number(port)
}

function decoded(text: string, refuse: (problem: string) => DroverError): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse('cannot be read: a % in a user name or password is written as %25')
  }
}
