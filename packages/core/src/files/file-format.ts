import { indentJson } from './indent-json.js'

/** How records stand in a file. */
export interface FileFormat {
  readonly name: string
  readonly opener: string
  /** Between two records. */
  readonly between: string
  /** Behind every record. */
  readonly after: string
  readonly closer: string
  /** The whole file if there is no record. */
  readonly empty: string
  /** Spreads a record's line of JSON; absent if it stands as it is. */
  readonly shape?: (line: string) => string
}

/** A record per line. */
export const ndjson: FileFormat = {
  name: 'ndjson',
  opener: '',
  between: '',
  after: '\n',
  closer: '',
  empty: '',
}

/** One array; without indentation still a record per line. */
export function jsonArray(indent: number): FileFormat {
  const margin = ' '.repeat(indent)
  return {
    name: 'json',
    opener: `[\n${margin}`,
    between: `,\n${margin}`,
    after: '',
    closer: '\n]\n',
    empty: '[]\n',
    ...(indent === 0 ? {} : { shape: (line: string) => indentJson(line, indent, 1) }),
  }
}
