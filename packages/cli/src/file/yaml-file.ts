import { readFile } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  type YAMLMap,
} from 'yaml'
import { FileProblems } from './file-problems.js'
import type { Given, GivenMap, GivenScalar, Place } from './given.js'
import { substituteVariables } from './variables.js'

const mostBytes = 1024 * 1024
/** Nobody writes more by hand; and an alias of what it stands in itself has no end. */
const deepest = 64
const mostNodes = 20_000

/** A file as it was read, and where to put what is wrong with it. */
export interface ReadFile {
  readonly given: Given
  readonly problems: FileProblems
}

/**
 * Reads a YAML file and puts the variables of the environment into its texts.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID` with line and column, `OPTION_INVALID` for a variable that is not set.
 */
export async function readYamlFile(path: string, env: NodeJS.ProcessEnv): Promise<ReadFile> {
  return parseYaml(path, decode(path, await bytesOf(path)), env)
}

/** @param path For messages. */
export function parseYaml(path: string, text: string, env: NodeJS.ProcessEnv): ReadFile {
  const lines = new LineCounter()
  const document = documentOf(path, text, lines)
  const problems = new FileProblems(path)
  const given = new Reader(document, lines, problems, env).read(document.contents, 0)
  if (given === null || (given.kind === 'scalar' && given.value === null))
    throw new DroverError('SOURCE_INVALID', `${path} is empty. ${whatItHolds}`)
  problems.refuse()
  return { given, problems }
}

/** What a file should hold, for messages about one that does not. */
export const whatItHolds =
  'A pipeline is a YAML file with name, source and sink; docs/cli.md shows one, and `drover --help` the commands.'

async function bytesOf(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT'
        ? `There is no file ${path}.`
        : error.code === 'EISDIR'
          ? `${path} is a folder.`
          : undefined
    throw why === undefined
      ? DroverError.from(error, `${path} cannot be read`, 'STORE_DENIED')
      : new DroverError('SOURCE_NOT_FOUND', why, { cause: error })
  })
  if (bytes.length <= mostBytes) return bytes
  throw new DroverError('SOURCE_INVALID', `${path} has ${bytes.length} bytes, and a pipeline at most ${mostBytes}.`)
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const [first, second] = bytes
    const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
    const how = isUtf16 ? 'it is written in UTF-16' : `byte ${firstInvalid(bytes)} belongs to no character`
    throw new DroverError('SOURCE_INVALID', `${path} is no UTF-8: ${how}. Save it as UTF-8.`, { cause })
  }
}

/** Offset of the first byte that is no UTF-8: as many as come through unchanged. */
function firstInvalid(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === again[at]) at++
  return at
}

function documentOf(path: string, text: string, lineCounter: LineCounter): Document.Parsed {
  const options = { lineCounter, intAsBigInt: true, prettyErrors: false, logLevel: 'silent' as const }
  const parsed = parsedOrTooDeep(path, () => parseAllDocuments(text, options))
  const [document, second] = Array.isArray(parsed) ? parsed : []
  if (document === undefined) throw new DroverError('SOURCE_INVALID', `${path} is empty. ${whatItHolds}`)
  // A tag that nobody knows is but a warning there.
  const [wrong] = [...document.errors, ...document.warnings]
  if (wrong !== undefined) {
    const { line, col } = lineCounter.linePos(wrong.pos[0])
    if (/call stack/.test(wrong.message)) throw tooDeep(`${path}:${line}:${col}`, wrong)
    const isVariable = text.startsWith('{', wrong.pos[0]) && text[wrong.pos[0] - 1] === '$'
    if (isVariable)
      throw new DroverError('SOURCE_INVALID', `${path}:${line}:${col}: inside of { } a variable stands in quotes.`)
    throw new DroverError('SOURCE_INVALID', `${path}:${line}:${col}: this is no YAML: ${wrong.message}`)
  }
  if (second !== undefined) {
    const { line, col } = lineCounter.linePos(second.range[0])
    throw new DroverError(
      'SOURCE_INVALID',
      `${path}:${line}:${col}: a second document begins; a file holds one pipeline.`,
    )
  }
  return document
}

/** The parser calls itself for each level. */
function parsedOrTooDeep<T>(path: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof RangeError) throw tooDeep(path, cause)
    throw cause
  }
}

function tooDeep(where: string, cause?: unknown): DroverError {
  return new DroverError('SOURCE_INVALID', `${where}: this is nested too deeply; ${deepest} levels are allowed.`, {
    cause,
  })
}

type Entries = Map<string, NonNullable<ReturnType<GivenMap['entries']['get']>>>

/** Makes of the parser's nodes what the checker looks at. */
class Reader {
  #nodes = 0

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
    private readonly problems: FileProblems,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Null if there is nothing at all. */
  read(node: unknown, depth: number): Given | null {
    if (!isNode(node)) return null
    const place = this.#placeOf(node)
    if (depth > deepest) throw tooDeep(this.#at(place))
    if (++this.#nodes > mostNodes)
      throw new DroverError('SOURCE_INVALID', `${this.#at(place)}: more than ${mostNodes} values; what is this?`)
    if (isAlias(node)) return this.#alias(node, place, depth)
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1) ?? nothing(place))
      return { kind: 'list', place, items }
    }
    if (isMap(node)) return { kind: 'map', place, entries: this.#entries(node, place, depth) }
    return isScalar(node) ? this.#scalar(node, place) : nothing(place)
  }

  #alias(node: Alias, place: Place, depth: number): Given {
    const found = node.resolve(this.document)
    if (found === undefined) this.problems.add(place, `there is no anchor &${node.source} before this`)
    return this.read(found, depth + 1) ?? nothing(place)
  }

  /** What `<<` brings in stands behind what is written out: https://yaml.org/type/merge.html */
  #entries(node: YAMLMap, place: Place, depth: number): Entries {
    const own: Entries = new Map()
    const merged: Entries = new Map()
    for (const { key, value } of node.items) {
      const keyPlace = isNode(key) ? this.#placeOf(key) : place
      if (!isScalar(key)) this.problems.add(keyPlace, 'a name is a text')
      const given = this.read(value, depth + 1) ?? nothing(keyPlace)
      if (isScalar(key) && key.value === '<<' && key.type === Scalar.PLAIN) this.#merge(given, keyPlace, merged)
      else own.set(isScalar(key) ? String(key.value) : '', { place: keyPlace, value: given })
    }
    return new Map([...merged, ...own])
  }

  /** Of several objects the earlier one holds. */
  #merge(given: Given, place: Place, into: Entries): void {
    for (const part of given.kind === 'list' ? given.items : [given]) {
      if (part.kind !== 'map') this.problems.add(place, '<< takes an object, such as *name, or a list of them')
      else for (const [name, entry] of part.entries) if (!into.has(name)) into.set(name, entry)
    }
  }

  #scalar(node: Scalar, place: Place): GivenScalar {
    const { value } = node
    const isPlain = node.type === Scalar.PLAIN
    if (typeof value !== 'string' || !value.includes('${'))
      return { kind: 'scalar', place, value: scalarOf(value), isPlain }
    const substituted = substituteVariables(value, this.env)
    if ('text' in substituted) return { kind: 'scalar', place, value: substituted.text, isPlain, written: value }
    // In a text of one line, and without escapes in front, the variable is where it stands in the value.
    const isBlock = node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL
    const column = isBlock ? place.column : place.column + substituted.at + (isPlain ? 0 : 1)
    this.problems.add({ line: place.line, column }, substituted.problem)
    return { kind: 'scalar', place, value: '', isPlain, written: value }
  }

  #placeOf(node: Node): Place {
    const { line, col } = this.lines.linePos(node.range?.[0] ?? 0)
    return { line, column: col }
  }

  #at({ line, column }: Place): string {
    return `${this.problems.path}:${line}:${column}`
  }
}

function isNode(value: unknown): value is Node {
  return isAlias(value) || isMap(value) || isSeq(value) || isScalar(value)
}

function nothing(place: Place): GivenScalar {
  return { kind: 'scalar', place, value: null, isPlain: true }
}

function scalarOf(value: unknown): GivenScalar['value'] {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}
