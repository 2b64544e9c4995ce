import { indentJson } from './indent-json.js'
import type { JsonEnvelope } from './json-envelope.js'
import { encodeJson } from './json-values.js'

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
  /** The opener says more than that an array begins: only a file that begins with it can be continued. */
  readonly isEnvelope?: boolean
  /** How records are spread over lines; absent if each is one. */
  readonly spread?: { readonly indent: number; readonly depth: number }
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
    ...(indent === 0 ? {} : { spread: { indent, depth: 1 } }),
  }
}

/** One object that holds the array, and other members before it. */
export function jsonInEnvelope(indent: number, { member, before = {} }: JsonEnvelope): FileFormat {
  const line = (level: number): string => (indent === 0 ? '' : `\n${' '.repeat(indent * level)}`)
  const colon = indent === 0 ? ':' : ': '
  const shaped = (text: string, depth: number): string => (indent === 0 ? text : indentJson(text, indent, depth))
  const members = Object.entries(before).map(
    ([name, value]) => `${line(1)}${JSON.stringify(name)}${colon}${shaped(encodeJson(value), 1)},`,
  )
  const head = `{${members.join('')}${line(1)}${JSON.stringify(member)}${colon}[`
  // Without indentation still a record per line.
  const margin = indent === 0 ? '\n' : line(2)
  return {
    name: `json in "${member}"`,
    opener: head + margin,
    between: `,${margin}`,
    after: '',
    closer: `${indent === 0 ? '\n' : line(1)}]${line(0)}}\n`,
    empty: `${head}]${line(0)}}\n`,
    isEnvelope: true,
    ...(indent === 0 ? {} : { spread: { indent, depth: 2 } }),
  }
}
