import { DroverError } from './drover-error.js'
import { suggestNames } from './nearest.js'

/** Refuses an option that does not exist, with the nearest names and the list: a mistyped option is never ignored. */
export function checkOptionNames(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new DroverError('OPTION_INVALID', `${where}: its options are an object, not ${shown(options)}.`)
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new DroverError('OPTION_INVALID', `${where}: there is no option "${name}"${suggestNames(name, known)}`)
    }
  }
}

/** Refuses a number that is not a whole one of at least `least`. */
export function checkWholeNumber(where: string, name: string, value: unknown, least: number): void {
  if (value === undefined) return
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is a whole number of at least ${least}, not ${shown(value)}.`,
    )
  }
}

/** Refuses what is no text, or an empty one. */
export function checkText(where: string, name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new DroverError('OPTION_INVALID', `${where}: ${name} is a text that is not empty, not ${shown(value)}.`)
  }
}

/** Refuses what is neither true nor false. */
export function checkFlag(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is true or false, not ${shown(value)}.`)
}

/** Refuses what is none of these words. */
export function checkChoice(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && choices.includes(value))) return
  const listed = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is ${listed}, not ${shown(value)}.`)
}

/** Refuses what is no list of at least so many names. */
export function checkNames(where: string, name: string, value: unknown, least = 0): void {
  if (value === undefined) return
  if (!Array.isArray(value) || value.length < least) {
    throw new DroverError('OPTION_INVALID', `${where}: ${name} is a list of names, not ${shown(value)}.`)
  }
  for (const one of value) checkText(where, name, one)
}

/** A value as an error message shows it: short, and of one line. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object (${value.constructor?.name ?? 'null prototype'})`
  return String(value)
}
