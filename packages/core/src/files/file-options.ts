import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'

export function checkFlag(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is true or false, not ${shown(value)}.`)
}

export function checkChoice(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && choices.includes(value))) return
  const listed = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is ${listed}, not ${shown(value)}.`)
}
