import { checkText, DroverError } from '@drover/core'

/** Refuses what is no list of names; an empty one only where it would say nothing. @throws `OPTION_INVALID` */
export function checkNames(where: string, option: string, names: readonly string[] | undefined): void {
  if (names === undefined) return
  if (!Array.isArray(names) || (option === 'key' && names.length === 0)) {
    throw new DroverError('OPTION_INVALID', `${where}: ${option} is a list of names.`)
  }
  for (const name of names) checkText(where, option, name)
}

/** @throws `OPTION_INVALID` */
export function checkFlag(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is true or false, not ${JSON.stringify(value)}.`)
}

/** @throws `OPTION_INVALID` */
export function checkChoice(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return
  const list = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new DroverError('OPTION_INVALID', `${where}: ${name} is ${list}, not ${JSON.stringify(value)}.`)
}
