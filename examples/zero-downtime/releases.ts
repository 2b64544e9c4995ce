import type { Knex } from 'knex'
import { e164 } from './phone.js'

/** What an instance does with numbers. Each answers with E.164, whatever it keeps. */
export interface Release {
  add(knex: Knex, number: string): Promise<number>
  change(knex: Knex, id: number, number: string): Promise<number>
  read(knex: Knex, id: number): Promise<string | undefined>
}

type Columns = (number: string) => Readonly<Record<string, string>>

/** By its number. Beside each one works the one before it, while it is rolled out: what one writes the other must be able to read. */
export const releases: Readonly<Record<number, Release>> = {
  1: release((number) => ({ phone_number: number }), 'phone_number'),
  // Writes both, and reads the old one: release 1 writes nothing else.
  2: release((number) => ({ phone_number: number, phone_e164: e164(number) }), 'phone_number'),
  // Writes both still, for release 2 reads the old one; and reads the new one.
  3: release((number) => ({ phone_number: number, phone_e164: e164(number) }), 'phone_e164'),
  4: release((number) => ({ phone_e164: e164(number) }), 'phone_e164'),
}

function release(columns: Columns, column: string): Release {
  return {
    async add(knex, number) {
      const [row] = (await knex('calls').insert(columns(number)).returning('id')) as { readonly id: number }[]
      return row?.id ?? 0
    },
    change: (knex, id, number) => knex('calls').where({ id }).update(columns(number)),
    async read(knex, id) {
      const row = (await knex('calls').where({ id }).first(column)) as Readonly<Record<string, string>> | undefined
      const kept = row?.[column]
      return kept === undefined ? undefined : e164(kept)
    },
  }
}
