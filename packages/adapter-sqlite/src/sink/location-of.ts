import { locationOptions } from '../connection/open-sqlite.js'
import type { WriterLocation } from '../writer/open-writer.js'

/** The part of the options that says where the database is. */
export function locationOf(options: WriterLocation): WriterLocation {
  const given = [...locationOptions, 'synchronous'] as const
  return Object.fromEntries(given.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]))
}
