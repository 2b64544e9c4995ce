import { DroverError, type ExactSink, type Removing, type Row } from '@drover/core'
import { sqliteUpdateSink } from '../backfill/sqlite-update-sink.js'
import { locationOptions } from '../connection/open-sqlite.js'
import { connectExactWriter } from './connect-sink.js'
import { locationOf } from './location-of.js'
import { RemoveTarget } from './remove-target.js'
import type { SqliteSinkOptions } from './sqlite-sink.js'

const shared = [...locationOptions, 'synchronous', 'table', 'key', 'foreignKeys', 'tablePrefix'] as const

/** Deletes rows of a sink's table, or marks them. @throws `OPTION_INVALID` */
export function remover(options: SqliteSinkOptions, name: string, removing: Removing): ExactSink<Row> {
  const given = shared.filter((option) => options[option as keyof SqliteSinkOptions] !== undefined)
  const same = Object.fromEntries(given.map((option) => [option, options[option as keyof SqliteSinkOptions]]))
  const rest = same as unknown as Pick<SqliteSinkOptions, 'table'>
  if (removing.kind === 'mark') return sqliteUpdateSink<Row>({ ...rest, ...undoOf(options), sets: [removing.field] })
  if (options.undo === true) {
    throw new DroverError(
      'OPTION_INVALID',
      `${name}: rows that are deleted are not kept for an undo. Mark them instead, by deletes: { mark: field }, or leave out undo.`,
    )
  }
  const key = typeof options.key === 'string' ? [options.key] : options.key
  return {
    specVersion: 1,
    name: `${name} (deletes)`,
    guarantee: 'exactly-once',
    keyed: true,
    connect: (operation) =>
      connectExactWriter<Row>(
        { ...same, location: locationOf(options), create: false },
        (connection) => RemoveTarget.of(connection, { table: options.table, key }),
        operation,
      ),
  }
}

function undoOf({ undo }: SqliteSinkOptions): { readonly undo?: boolean } {
  return undo === undefined ? {} : { undo }
}
