import { checkText, DroverError } from '@drover/core'
import { locationOptions } from '../connection/open-sqlite.js'
import type { WriterLocation } from '../writer/open-writer.js'

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

/** The part of the options that says where the database is. */
export function locationOf(options: WriterLocation): WriterLocation {
  const given = [...locationOptions, 'synchronous'] as const
  return Object.fromEntries(given.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]))
}
