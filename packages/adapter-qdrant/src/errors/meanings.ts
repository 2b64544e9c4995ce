import { connectionBroke, type FailureMeaning, networkFailures } from '@drover/core'

const busy: FailureMeaning = {
  code: 'STORE_BUSY',
  remedy: 'The server takes no more at the moment: it limits how often it may be asked, or is overloaded.',
  retry: true,
}

const unavailable: FailureMeaning = {
  code: 'STORE_UNAVAILABLE',
  remedy: 'The server, or a proxy in front of it, failed: see its log.',
  retry: true,
}

const full: FailureMeaning = {
  code: 'STORE_FULL',
  remedy: 'Make room on the disk of the server, or take a larger one, then run again.',
}

const elsewhere: FailureMeaning = {
  code: 'OPTION_INVALID',
  remedy:
    'Give the address that it points to as url: Drover follows no redirect, so that a key goes where it was meant for.',
}

const unknownPath: FailureMeaning = {
  code: 'OPTION_INVALID',
  remedy:
    'What answers there does not know the path: check url, the path in front of Qdrant if a proxy has one, and the version of the server.',
}

const refused: FailureMeaning = { code: 'RECORD_REFUSED', remedy: '' }

/** By the status of an answer. */
export const statuses: Readonly<Record<number, FailureMeaning>> = {
  301: elsewhere,
  302: elsewhere,
  303: elsewhere,
  307: elsewhere,
  308: elsewhere,
  400: refused,
  401: { code: 'STORE_DENIED', remedy: 'Give the right key as apiKey, or in the variable QDRANT_API_KEY.' },
  403: {
    code: 'STORE_DENIED',
    remedy:
      'The key may not do this, or a limit of the server (strict mode) forbids it: give one with more rights, or raise the limit.',
  },
  404: { code: 'SOURCE_NOT_FOUND', remedy: '' },
  405: unknownPath,
  408: { ...unavailable, remedy: 'The server gave up waiting.' },
  409: { code: 'SINK_NOT_READY', remedy: '' },
  413: {
    code: 'RECORD_REFUSED',
    remedy:
      'It is more than the server, or a proxy in front of it, takes at once: write fewer bytes at a time, or raise max_request_size_mb there.',
  },
  422: refused,
  429: busy,
  500: unavailable,
  502: unavailable,
  503: unavailable,
  504: unavailable,
  507: full,
}

/** What answers say that the status alone does not. */
export const phrases: readonly (readonly [RegExp, FailureMeaning])[] = [
  [/no space left|disk (?:is )?full|WAL buffer size exceeds available disk space|insufficient storage/i, full],
  [
    /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server/i,
    { code: 'OPTION_INVALID', remedy: 'The server speaks TLS on this port: write https:// instead of http://.' },
  ],
  [
    /out of memory|OutOfMemory/,
    { ...unavailable, remedy: 'The server has no memory left: give it more, or write to fewer collections.' },
  ],
]

/** Where a 404 or a 400 does not come from Qdrant. */
export const strangers: Readonly<Record<number, FailureMeaning>> = { 404: unknownPath, 400: unknownPath }

const noHttp: FailureMeaning = {
  code: 'OPTION_INVALID',
  remedy:
    "What answers there does not speak HTTP/1.1: check host and port (6333 is Qdrant's for REST, 6334 for gRPC), and write https:// if the server speaks TLS.",
}

const untrusted: FailureMeaning = {
  code: 'STORE_DENIED',
  remedy:
    "The server's certificate is not trusted: give its authority in the variable NODE_EXTRA_CA_CERTS, and the name that it was issued for as host.",
}

const tooSlow: FailureMeaning = {
  code: 'STORE_UNAVAILABLE',
  remedy: 'The server did not answer in time: see timeoutMs, and what lies between.',
  retry: true,
}

/** By the `code` of errors of Node and undici. */
export const systemErrors: Readonly<Record<string, FailureMeaning>> = {
  ...networkFailures,
  EPROTO: {
    code: 'OPTION_INVALID',
    remedy: 'If the server speaks no TLS on this port, write http:// instead of https://.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted,
  UND_ERR_CONNECT_TIMEOUT: tooSlow,
  UND_ERR_HEADERS_TIMEOUT: tooSlow,
  UND_ERR_BODY_TIMEOUT: tooSlow,
  UND_ERR_SOCKET: connectionBroke,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: connectionBroke,
  UND_ERR_HEADERS_OVERFLOW: noHttp,
}

/** Those of which there are many. */
export const systemPhrases: readonly (readonly [RegExp, FailureMeaning])[] = [
  [/^ERR_SSL_/, systemErrors.EPROTO as FailureMeaning],
  [/^HPE_(?:INVALID_EOF_STATE|CLOSED_CONNECTION)$/, connectionBroke],
  [/^HPE_/, noHttp],
]
