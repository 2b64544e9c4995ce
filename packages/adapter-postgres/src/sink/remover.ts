import { DroverError, type ExactSink, type Removing, type Row, undoOptions } from '@drover/core'
import { postgresUpdateSink } from '../backfill/postgres-update-sink.js'
import { locationOptions } from '../connection/postgres-location.js'
import { stateLocationOptions } from '../state/state-tables.js'
import { connectExactWriter } from './connect-sink.js'
import { pick } from './pick.js'
import type { PostgresSinkOptions } from './postgres-sink.js'
import { RemoveTarget } from './remove-target.js'

/** Deletes rows of a sink's table, or marks them. @throws `OPTION_INVALID` */
export function remover(options: PostgresSinkOptions, name: string, removing: Removing): ExactSink<Row> {
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  const { table, undo } = options
  const key = typeof options.key === 'string' ? [options.key] : options.key
  if (removing.kind === 'mark') {
    const kept = pick(options, undoOptions)
    const keyed = key === undefined ? {} : { key }
    return postgresUpdateSink<Row>({ ...location, ...state, ...kept, ...keyed, table, sets: [removing.field] })
  }
  if (undo === true) {
    throw new DroverError(
      'OPTION_INVALID',
      `${name}: rows that are deleted are not kept for an undo. Mark them instead, by deletes: { mark: field }, or leave out undo.`,
    )
  }
  return {
    specVersion: 1,
    name: `${name} (deletes)`,
    guarantee: 'exactly-once',
    keyed: true,
    connect: (operation) =>
      connectExactWriter<Row>(
        { location, state },
        async (database) => {
          await using connection = await database.connect(operation)
          return await RemoveTarget.of(connection, { table, key })
        },
        operation,
      ),
  }
}
