import { parseInstant, suggestNames } from '@drover/core'
import type { FileProblems } from '../file/file-problems.js'
import { type Given, type GivenMap, type GivenScalar, type Place, shownGiven } from '../file/given.js'
import { comparisons, conditionOperators, valueLists } from './filter-words.js'
import { kindOf, kindsOf } from './kinds.js'
import type { ChosenShape, ObjectShape, Shape, TextShape, VariantsShape } from './shape.js'

/** Compares what a file gives with what it may give, notes what is wrong, and makes plain values of the rest. */
export class ShapeChecker {
  constructor(private readonly problems: FileProblems) {}

  /** @param name What messages call it, such as `batchSize`. */
  check(given: Given, shape: Shape, name: string): unknown {
    switch (shape.kind) {
      case 'text':
        return this.#text(given, shape, name)
      case 'number':
        return this.#number(given, shape.isWhole, shape.least, name)
      case 'flag':
        return this.#flag(given, name)
      case 'list':
        return this.#list(given, shape.of, shape.least, name)
      case 'map':
        return this.#map(given, shape.of, name)
      case 'object':
        return this.#object(given, shape, name)
      case 'variants':
        return this.#variants(given, shape, name)
      case 'either':
        return this.#either(given, shape.of, name)
      case 'filter':
        return this.#filter(given, name)
      case 'anything':
        return plainValue(given)
    }
  }

  #text(given: Given, shape: TextShape, name: string): unknown {
    const { choices, mayBeEmpty = false, isSecret = false, isInstant = false } = shape
    if (given.kind !== 'scalar' || typeof given.value !== 'string' || (given.value === '' && !mayBeEmpty)) {
      const isNumber = given.kind === 'scalar' && given.value !== null && typeof given.value !== 'string'
      const wanted = `${name} is a text${mayBeEmpty ? '' : ' that is not empty'}`
      const hint = isNumber ? ': put it in quotes' : ''
      if (!isSecret) return this.#wrong(given, wanted, hint)
      this.problems.add(given.place, `${wanted}${hint}`)
      return undefined
    }
    if (isInstant && parseInstant(given.value) === null)
      return this.#wrong(
        given,
        `${name} is a date or an instant of ISO 8601, such as "2025-01-31" or "2025-01-31T08:30:00Z"`,
      )
    if (choices !== undefined && !choices.includes(given.value)) {
      const hint = given.written === undefined ? suggestNames(given.value, choices) : `; it is ${listed(choices)}`
      this.problems.add(given.place, `there is no ${name} ${shownGiven(given)}${hint}`)
    }
    return given.value
  }

  #number(given: Given, isWhole: boolean, least: number, name: string): unknown {
    const value = given.kind === 'scalar' ? resolved({ ...given, isPlain: true }) : undefined
    const isFit = typeof value === 'number' && value >= least && (isWhole ? Number.isSafeInteger(value) : true)
    return isFit ? value : this.#wrong(given, `${name} is a ${isWhole ? 'whole ' : ''}number of at least ${least}`)
  }

  #flag(given: Given, name: string): unknown {
    const value = given.kind === 'scalar' ? resolved({ ...given, isPlain: true }) : undefined
    return typeof value === 'boolean' ? value : this.#wrong(given, `${name} is true or false`)
  }

  #list(given: Given, of: Shape, least: number, name: string): unknown {
    if (given.kind !== 'list') return this.#wrong(given, `${name} is a list`)
    if (given.items.length < least)
      return this.#wrong(given, `${name} is a list of at least ${least}`, ' that is empty')
    return given.items.map((item, i) => this.check(item, of, `${name}[${i}]`))
  }

  #map(given: Given, of: Shape, name: string): unknown {
    if (given.kind !== 'map' || given.entries.size === 0)
      return this.#wrong(given, `${name} is an object with a name or more`)
    return plainObject([...given.entries].map(([key, { value }]) => [key, this.check(value, of, `${name}.${key}`)]))
  }

  #object(given: Given, shape: ObjectShape, name: string): unknown {
    if (given.kind !== 'map') return this.#wrong(given, `${name} is an object with ${namesOf(shape)}`)
    return this.#fields(given, shape, name)
  }

  /** @param by The fields that chose the shape, and what they say: they are looked at already. */
  #fields(given: GivenMap, shape: ObjectShape, name: string, by: Readonly<Record<string, string>> = {}): unknown {
    const { fields, required, oneOf, chosen = {} } = shape
    const known = [...Object.keys(by), ...Object.keys(fields)]
    const checked: [string, unknown][] = Object.entries(by)
    for (const [key, { place, value }] of given.entries) {
      if (Object.hasOwn(by, key)) continue
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined
      const choosing = Object.hasOwn(chosen, key) ? chosen[key] : undefined
      if (field === undefined) this.problems.add(place, `${name} has no "${key}"${suggestNames(key, known)}`)
      else if (choosing !== undefined) checked.push([key, this.#chosen(given, value, choosing, field, key)])
      else checked.push([key, this.check(value, field, key)])
    }
    const lacks = (wanted: readonly string[]): string[] => wanted.filter((key) => !given.entries.has(key))
    const missing = lacks(required)
    if (missing.length > 0) this.problems.add(given.place, `${name} lacks ${listed(missing, 'and')}`)
    const ways = oneOf ?? []
    const begun = ways.filter((way) => lacks(way).length < way.length)
    const open = (begun.length > 0 ? begun : ways).map(lacks)
    if (open.length > 0 && open.every(({ length }) => length > 0))
      this.problems.add(given.place, `${name} lacks ${open.map((way) => listed(way, 'and')).join(', or ')}`)
    return plainObject(checked)
  }

  /** A field whose shape another one chooses. Where that one is wrong, there is nothing to compare with. */
  #chosen(given: GivenMap, value: Given, { by, shapes }: ChosenShape, otherwise: Shape, name: string): unknown {
    const type = textOf(given.entries.get(by)?.value)
    const shape = type !== undefined && Object.hasOwn(shapes, type) ? shapes[type] : undefined
    if (shape === undefined) return this.check(value, otherwise, name)
    if (value.kind !== 'map') return this.check(value, shape, name)
    return this.check(this.#withoutOthers(value, shape, shapes, `${name} of ${by} ${type}`), shape, name)
  }

  /** What has a meaning for another type is told with it: somebody has changed the one and not the other. */
  #withoutOthers(given: GivenMap, own: ObjectShape, shapes: ChosenShape['shapes'], where: string): GivenMap {
    const left = new Map(given.entries)
    for (const [key, { place }] of given.entries) {
      if (Object.hasOwn(own.fields, key)) continue
      const others = Object.keys(shapes).filter((type) => Object.hasOwn(shapes[type]?.fields ?? {}, key))
      if (others.length === 0) continue
      left.delete(key)
      const known = listed(Object.keys(own.fields), 'and')
      this.problems.add(place, `${where} has no "${key}", which is of ${listed(others)}; it takes ${known}`)
    }
    return { ...given, entries: left }
  }

  #variants(given: Given, shape: VariantsShape, name: string, before: Readonly<Record<string, string>> = {}): unknown {
    const { noun, by = 'type', types, module } = shape
    const known = Object.keys(types)
    const orModule = module === undefined ? '' : ', or module: ./file.ts#export'
    if (given.kind !== 'map') return this.#wrong(given, `${name} is an object with ${by}: ${listed(known)}${orModule}`)
    const type = given.entries.get(by)
    if (type === undefined) {
      if (module !== undefined && given.entries.has('module')) return this.#fields(given, module, name)
      this.problems.add(given.place, `${name} lacks ${by}: ${listed(known)}${orModule}`)
      return undefined
    }
    const { value } = type
    const chosen = textOf(value)
    const variant = chosen !== undefined && Object.hasOwn(types, chosen) ? types[chosen] : undefined
    if (chosen === undefined || variant === undefined) {
      const hint = suggestNames(chosen ?? '', known)
      this.problems.add(value.place, `there is no ${noun} of ${by} ${shownGiven(value)}${hint}`)
      return undefined
    }
    const chosenBy = { ...before, [by]: chosen }
    if (variant.kind === 'variants') return this.#variants(given, variant, name, chosenBy)
    return this.#fields(given, variant, name, chosenBy)
  }

  /** Each is of another kind of YAML value, so the kind chooses. */
  #either(given: Given, of: readonly Shape[], name: string): unknown {
    const fits = of.find((shape) => kindsOf(shape).includes(kindOf(given)))
    if (fits !== undefined) return this.check(given, fits, name)
    return this.#wrong(
      given,
      `${name} is ${listed(of.flatMap(kindsOf).map((kind) => `${kind === 'object' ? 'an' : 'a'} ${kind}`))}`,
    )
  }

  #filter(given: Given, name: string): unknown {
    if (given.kind !== 'map') return this.#wrong(given, `${name} is an object such as { role: { eq: user } }`)
    const entries = [...given.entries]
    const checked = entries.map(([key, { place, value }]): [string, unknown] => {
      if (key !== 'and' && key !== 'or' && key !== 'not') return [key, this.#condition(value, `${name}.${key}`)]
      if (entries.length > 1)
        this.problems.add(place, `"${key}" stands alone in its object; put all conditions into one "and"`)
      if (key === 'not') return [key, this.#filter(value, `${name}.not`)]
      if (value.kind !== 'list') return [key, this.#wrong(value, `${name}.${key} is a list of filters`)]
      return [key, value.items.map((item, i) => this.#filter(item, `${name}.${key}[${i}]`))]
    })
    return plainObject(checked)
  }

  #condition(given: Given, name: string): unknown {
    if (given.kind !== 'map' || given.entries.size === 0)
      return this.#wrong(given, `${name} is a condition, an object such as { eq: 1 }`)
    const checked: [string, unknown][] = []
    for (const [key, { place, value }] of given.entries) {
      const operator = conditionOperators.find((known) => known === key)
      if (operator === undefined) {
        this.problems.add(place, `${name}: there is no operator "${key}"${suggestNames(key, conditionOperators)}`)
      } else if (valueLists.includes(operator)) {
        const items = value.kind === 'list' ? value.items.map((item) => this.#value(item, `${name}.${key}`)) : null
        checked.push([key, items ?? this.#wrong(value, `${name}.${key} is a list of values`)])
      } else if (comparisons.includes(operator)) {
        checked.push([key, this.#value(value, `${name}.${key}`)])
      } else {
        checked.push([
          key,
          operator === 'isNull' ? this.#flag(value, `${name}.isNull`) : this.#pattern(value, `${name}.${key}`),
        ])
      }
    }
    return plainObject(checked)
  }

  #value(given: Given, name: string): unknown {
    const value = given.kind === 'scalar' ? resolved(given) : null
    const isValue = value !== null && !Number.isNaN(value)
    if (isValue) return value
    const hint = given.kind === 'scalar' ? '; to ask for null there is isNull' : ''
    return this.#wrong(given, `${name} is a text, a number or a truth value`, hint)
  }

  #pattern(given: Given, name: string): unknown {
    if (given.kind === 'scalar' && typeof given.value === 'string') return given.value
    return this.#wrong(given, `${name} is a text`)
  }

  #wrong(given: Given, what: string, hint = ''): undefined {
    this.problems.add(given.place, `${what}, not ${shownGiven(given)}${hint}`)
  }
}

/** Everything that was given, as it is. */
function plainValue(given: Given): unknown {
  if (given.kind === 'list') return given.items.map(plainValue)
  if (given.kind === 'map') return plainObject([...given.entries].map(([key, { value }]) => [key, plainValue(value)]))
  return resolved(given)
}

/** Its names may be any, `__proto__` too. */
function plainObject(entries: readonly (readonly [string, unknown])[]): object {
  const made = {}
  for (const [name, value] of entries)
    Object.defineProperty(made, name, { value, configurable: true, enumerable: true, writable: true })
  return made
}

const numeral = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i

/**
 * A variable without quotes around it may be a number or a truth value, as if it stood in the file. Where nothing else can be meant,
 * quotes do not matter: inside of `{ }` a variable needs them.
 */
function resolved({ value, written, isPlain }: GivenScalar): GivenScalar['value'] {
  if (written === undefined || !isPlain || typeof value !== 'string') return value
  if (value === 'true' || value === 'false') return value === 'true'
  if (!numeral.test(value)) return value
  const number = Number(value)
  return /^[-+]?\d+$/.test(value) && !Number.isSafeInteger(number) ? BigInt(value) : number
}

function textOf(given: Given | undefined): string | undefined {
  return given?.kind === 'scalar' && typeof given.value === 'string' ? given.value : undefined
}

function namesOf({ fields, required }: ObjectShape): string {
  return listed(required.length > 0 ? required : Object.keys(fields), 'and')
}

function listed(words: readonly string[], last = 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

/** Where a part of a file stands, for messages about what was made of it. */
export function placeOf(given: Given, ...path: readonly (string | number)[]): Place {
  let at = given
  let place = given.place
  for (const step of path) {
    const entry = at.kind === 'map' && typeof step === 'string' ? at.entries.get(step) : undefined
    const next = at.kind === 'list' && typeof step === 'number' ? at.items[step] : entry?.value
    if (next === undefined) return place
    place = entry?.place ?? next.place
    at = next
  }
  return place
}
