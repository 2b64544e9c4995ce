const hidden = '***'

/** A word that begins as a URL does. */
const url = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s"'`<>]*)/gi

/** `name=value` and `name: value`, as in connection strings, query strings, options and JSON; the value may be quoted. */
const namedSecret = new RegExp(
  String.raw`(?<![\w-])` +
    String.raw`((?:[\w-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|signature|credentials?)|sig|pass)["']?\s*[=:]\s*)` +
    String.raw`(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;&,"'})\]]+)`,
  'gi',
)

/** What an HTTP client echoes of a request's headers. */
const authorization = /\b(authorization["']?\s*[=:]\s*["']?(?:\w+\s+)?|bearer\s+)[\w.~+/=-]{6,}/gi

/**
 * Hides the credentials in a text: in URLs, connection strings, options and headers. For messages of drivers and other
 * texts that Drover passes on; what it writes itself holds none.
 */
export function redactSecrets(text: string): string {
  return text
    .replace(url, (_, scheme: string, rest: string) => scheme + withoutCredentials(rest))
    .replace(authorization, `$1${hidden}`)
    .replace(namedSecret, `$1${hidden}`)
}

/**
 * What stands between `://` and the host. A careless password may hold `/`, `?`, `#` or `@` itself, so all up to the last
 * `@` of the word goes: rather hide a part of a path than show a part of a password.
 */
function withoutCredentials(rest: string): string {
  const end = rest.lastIndexOf('@')
  return end === -1 ? rest : hidden + rest.slice(end)
}
