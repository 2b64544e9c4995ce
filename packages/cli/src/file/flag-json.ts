import { DroverError } from '@drover/core'
import { FileProblems } from './file-problems.js'
import type { Given, GivenMap, GivenScalar, Place } from './given.js'
import { substituteVariables } from './variables.js'

/**
 * Reads the JSON object that a flag gives, with variables as in a file. What is wrong with it is said by its place in the text, and never by what
 * stands there: it may be a password.
 *
 * @param flag With its dashes: what messages call it.
 * @throws `OPTION_INVALID`
 */
export function parseFlagJson(flag: string, text: string, env: NodeJS.ProcessEnv): GivenMap {
  const problems = new FileProblems(flag)
  const given = new JsonReader(flag, text, problems, env).read()
  if (given.kind !== 'map') throw new DroverError('OPTION_INVALID', `${flag} takes a JSON object${example}`)
  problems.refuse()
  return given
}

const example = `, in single quotes: '{"name": "value"}'`
/** As in files. */
const deepest = 64

/** What JSON is made of: https://www.rfc-editor.org/rfc/rfc8259 */
const token =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that a text of JSON holds only escaped
  /[ \t\r\n]*([{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|$)/y
const blank = /[ \t\r\n]*/y

interface Token {
  /** Empty at the end of the text. */
  readonly said: string
  readonly at: number
}

/** `JSON.parse` tells of a place only sometimes, and quotes what stands there. */
class JsonReader {
  #at = 0

  constructor(
    private readonly flag: string,
    private readonly text: string,
    private readonly problems: FileProblems,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  read(): Given {
    const given = this.#value('', this.#next(), 0)
    const { said, at } = this.#next()
    if (said !== '') throw this.#broken(at)
    return given
  }

  #value(pointer: string, { said, at }: Token, depth: number): Given {
    const place = this.#placeOf(pointer, at)
    if (depth > deepest)
      throw new DroverError('OPTION_INVALID', `${this.flag} is nested too deeply; ${deepest} levels are allowed.`)
    if (said === '{') return { kind: 'map', place, entries: this.#entries(pointer, depth) }
    if (said === '[') return { kind: 'list', place, items: this.#items(pointer, depth) }
    if (said === '' || '}],:'.includes(said)) throw this.#broken(at)
    return said.startsWith('"') ? this.#text(said, place) : { kind: 'scalar', place, value: plain(said), isPlain: true }
  }

  #entries(pointer: string, depth: number): GivenMap['entries'] {
    const entries = new Map<string, { readonly place: Place; readonly value: Given }>()
    for (let key = this.#next(); ; key = this.#next()) {
      if (key.said === '}' && entries.size === 0) return entries
      if (!key.said.startsWith('"')) throw this.#broken(key.at)
      const name = JSON.parse(key.said) as string
      // https://www.rfc-editor.org/rfc/rfc6901
      const inner = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      this.#expect(':')
      const value = this.#value(inner, this.#next(), depth + 1)
      if (entries.has(name)) this.problems.add(value.place, 'this name stands there twice')
      entries.set(name, { place: value.place, value })
      if (!this.#goesOn('}')) return entries
    }
  }

  #items(pointer: string, depth: number): Given[] {
    const items: Given[] = []
    for (let first = this.#next(); ; first = this.#next()) {
      if (first.said === ']' && items.length === 0) return items
      items.push(this.#value(`${pointer}/${items.length}`, first, depth + 1))
      if (!this.#goesOn(']')) return items
    }
  }

  #text(said: string, place: Place): GivenScalar {
    const written = JSON.parse(said) as string
    if (!written.includes('${')) return { kind: 'scalar', place, value: written, isPlain: false }
    const substituted = substituteVariables(written, this.env)
    if ('text' in substituted) return { kind: 'scalar', place, value: substituted.text, isPlain: false, written }
    this.problems.add(place, substituted.problem)
    return { kind: 'scalar', place, value: '', isPlain: false, written }
  }

  /** Whether another one follows. */
  #goesOn(end: string): boolean {
    const { said, at } = this.#next()
    if (said === end) return false
    if (said !== ',') throw this.#broken(at)
    return true
  }

  #expect(wanted: string): void {
    const { said, at } = this.#next()
    if (said !== wanted) throw this.#broken(at)
  }

  #next(): Token {
    token.lastIndex = this.#at
    const found = token.exec(this.text)
    if (found === null) {
      blank.lastIndex = this.#at
      throw this.#broken(this.#at + (blank.exec(this.text)?.[0].length ?? 0))
    }
    const [all, said = ''] = found
    this.#at += all.length
    return { said, at: this.#at - said.length }
  }

  #placeOf(pointer: string, at: number): Place {
    return { line: 1, column: at + 1, flag: pointer === '' ? this.flag : `${this.flag} ${pointer}` }
  }

  #broken(at: number): DroverError {
    const isText = this.text[at] === '"'
    const why = isText ? ', where a text begins that has no end, or a line break or a wrong escape in it' : ''
    const character = [...this.text.slice(0, at)].length + 1
    const where =
      at === this.text.length
        ? 'breaks off before its end'
        : `breaks off at character ${character} of ${[...this.text].length}${why}`
    return new DroverError('OPTION_INVALID', `${this.flag} is no JSON: it ${where}. It takes an object${example}`)
  }
}

function plain(said: string): GivenScalar['value'] {
  const value = JSON.parse(said) as number | boolean | null
  return typeof value === 'number' && /^-?\d+$/.test(said) && !Number.isSafeInteger(value) ? BigInt(said) : value
}
