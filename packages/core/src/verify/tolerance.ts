import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import { checkOptionNames, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { type Code, codeOf, parsed } from './value-codes.js'

/**
 * How far two numbers may be apart and still count as the same: `|a − b| ≤ max(absolute, relative · max(|a|, |b|))`. Of
 * vectors, `|…|` is the Euclidean length. What is no finite number is compared as ever.
 */
export interface Tolerance {
  /** In the unit of the values. @default 0 */
  readonly absolute?: number
  /** A share of the larger one, less than 1. @default 0 */
  readonly relative?: number
}

/** Which fields may differ by how much. */
export interface VerifyTolerance {
  /** Of all fields that one of the sides describes as a float, a vector, or a list of floats. */
  readonly default?: Tolerance
  /** By name, instead of the default; also of integers and decimals. */
  readonly fields?: Readonly<Record<string, Tolerance>>
}

/** @throws `OPTION_INVALID` */
export function checkTolerance(
  { default: usual, fields }: VerifyTolerance,
  excluded: Readonly<Record<string, readonly string[]>>,
): void {
  if (usual !== undefined) checkOne('tolerance.default', usual)
  if (fields !== undefined && !isObject(fields)) throw invalid(`tolerance.fields is an object, not ${shown(fields)}`)
  for (const [name, tolerance] of Object.entries(fields ?? {})) {
    checkOne(`tolerance.fields.${name}`, tolerance)
    for (const [what, names] of Object.entries(excluded))
      if (names.includes(name)) throw invalid(`the field "${name}" is ${what}, and can have no tolerance`)
  }
}

function checkOne(where: string, tolerance: unknown): void {
  if (!isObject(tolerance)) throw invalid(`${where} is an object with absolute or relative, not ${shown(tolerance)}`)
  checkOptionNames(`verify: ${where}`, tolerance, ['absolute', 'relative'])
  const { absolute, relative } = tolerance as { absolute?: unknown; relative?: unknown }
  if (absolute === undefined && relative === undefined) throw invalid(`${where} has absolute, relative, or both`)
  for (const [name, value, below] of [
    ['absolute', absolute, Number.POSITIVE_INFINITY],
    ['relative', relative, 1],
  ] as const) {
    if (value === undefined || (typeof value === 'number' && value >= 0 && value < below)) continue
    const range = below === 1 ? 'from 0 on and below 1' : 'from 0 on'
    throw invalid(`${where}.${name} is a finite number ${range}, not ${shown(value)}`)
  }
}

/** What the tolerance says of each field that has one. @throws `OPTION_INVALID` if a field is named that neither side has */
export function nearFields(
  { default: usual, fields = {} }: VerifyTolerance,
  schemas: readonly RecordSchema[],
  excluded: readonly string[],
): ReadonlyMap<string, NearValues> {
  const types = new Map<string, LogicalType[]>()
  for (const field of schemas.flatMap((schema) => schema.fields))
    types.set(field.name, [...(types.get(field.name) ?? []), field.type])
  for (const name of Object.keys(fields)) {
    if (types.size === 0 || types.has(name)) continue // without a row there is nothing to know
    throw invalid(`tolerance.fields names "${name}", which neither side has${suggestNames(name, [...types.keys()])}`)
  }
  const near = new Map<string, NearValues>()
  for (const [name, of] of types) {
    const tolerance = Object.hasOwn(fields, name)
      ? fields[name]
      : of.some(isInexact)
        ? (usual ?? storedTolerance(of))
        : undefined
    if (tolerance !== undefined && !excluded.includes(name)) near.set(name, new NearValues(tolerance, of))
  }
  return near
}

/** What a store that keeps less of a vector than was written leaves of it; undefined if all stores keep all. */
function storedTolerance(types: readonly LogicalType[]): Tolerance | undefined {
  const vectors = types.map(vectorOf).filter((type) => type !== undefined)
  if (vectors.some(({ bits }) => bits === 16)) return { relative: float16Tolerance }
  return vectors.some(({ isNormalized }) => isNormalized === true) ? { relative: normalizedTolerance } : undefined
}

function vectorOf(type: LogicalType): Extract<LogicalType, { kind: 'vector' }> | undefined {
  if (type.kind === 'list') return vectorOf(type.of)
  return type.kind === 'vector' ? type : undefined
}

function isInexact(type: LogicalType): boolean {
  return type.kind === 'float' || type.kind === 'vector' || (type.kind === 'list' && isInexact(type.of))
}

/** Two logarithms of one cell are told apart by their digits only where cells are this large. */
const leastRelativeCell = 1e-12
const mostCells = 2 ** 52

/** A store adds up the squares in its own order, in float32: each number may be off by some units in its last place. */
const normalizedTolerance = 2 ** -20
/** Numbers of 16 bits have 11 for their digits. */
const float16Tolerance = 2 ** -10

/** Values of a field with a tolerance. Being near is not transitive, so that no code tells it: values are compared in pairs. */
export class NearValues {
  readonly #absolute: number
  readonly #relative: number
  readonly #exact: Code
  /** Only the direction of vectors is compared. */
  readonly #isNormalized: boolean

  constructor({ absolute = 0, relative = 0 }: Tolerance, types: readonly LogicalType[]) {
    this.#absolute = absolute
    this.#relative = relative
    this.#exact = codeOf(types)
    this.#isNormalized = types.some((type) => vectorOf(type)?.isNormalized === true)
  }

  isNear(a: unknown, b: unknown): boolean {
    if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b)
    if (this.#exact(a) === this.#exact(b)) return true
    if (typeof a === 'bigint' && typeof b === 'bigint')
      return this.#allows(Math.abs(Number(a - b)), Math.max(Math.abs(Number(a)), Math.abs(Number(b))))
    if (isListOfVectors(a) && isListOfVectors(b))
      return a.length === b.length && a.every((one, i) => this.isNear(one, b[i]))
    const [x, y] = [numbersOf(a), numbersOf(b)]
    if (x === undefined || y === undefined || x.length !== y.length) return false
    if (isNumeric(a) !== isNumeric(b)) return false // a number is no vector of one
    return this.#isNormalized ? this.#areNear(normalized(x), normalized(y)) : this.#areNear(x, y)
  }

  /**
   * A code that is the same only for values that are near: values of one cell, half as wide as the tolerance. Those that are
   * near and have different ones, at a cell's edge, have to be looked at; and vectors, unless they are the same.
   */
  cell(value: unknown): string {
    if (typeof value !== 'number' || !Number.isFinite(value)) return isNothing(value) ? 'null' : this.#exact(value)
    const size = Math.abs(value)
    if (this.#relative * size > this.#absolute && this.#relative >= leastRelativeCell)
      return `${Math.sign(value)}r${Math.floor(Math.log(size) / Math.log1p(this.#relative / 2))}`
    const cell = Math.floor(value / (this.#absolute / 2))
    return Math.abs(cell) < mostCells ? `a${cell}` : this.#exact(value)
  }

  #areNear(x: readonly number[], y: readonly number[]): boolean {
    return this.#allows(distance(x, y), Math.max(length(x), length(y)))
  }

  #allows(apart: number, size: number): boolean {
    return apart <= Math.max(this.#absolute, this.#relative * size)
  }
}

/** A number, or those of a vector; undefined for what is neither, or not finite. */
function numbersOf(value: unknown): readonly number[] | undefined {
  const held = isNumeric(value) ? value : parsed(value)
  const numbers = Array.isArray(held) || held instanceof Float32Array ? held : [held]
  const all = Array.from(numbers as ArrayLike<unknown>, (one) => (isNumeric(one) ? Number(one) : Number.NaN))
  return all.every(Number.isFinite) ? all : undefined
}

/** Decimals are texts. */
function isNumeric(value: unknown): value is number | bigint | string {
  if (typeof value === 'string') return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value)
  return typeof value === 'number' || typeof value === 'bigint'
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function length(numbers: readonly number[]): number {
  if (numbers.length === 1) return Math.abs(numbers[0] as number)
  return Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0))
}

/** Of the length 1; what has no length has no direction, and stays as it is. */
function normalized(numbers: readonly number[]): readonly number[] {
  const size = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0))
  return size === 0 ? numbers : numbers.map((value) => value / size)
}

function isListOfVectors(value: unknown): value is readonly unknown[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((one) => Array.isArray(one) || one instanceof Float32Array)
  )
}

function distance(a: readonly number[], b: readonly number[]): number {
  return length(a.map((value, i) => value - (b[i] as number)))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(what: string): DroverError {
  return new DroverError('OPTION_INVALID', `verify: ${what}.`)
}
