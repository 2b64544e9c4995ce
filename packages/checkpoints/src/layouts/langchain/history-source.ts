import {
  type ConnectOperation,
  DroverError,
  formatInstant,
  parseInstant,
  type Row,
  type Source,
  shown,
} from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { decodingSource } from '../../base/decoding-source.js'
import { placeName } from '../../base/place-name.js'
import type { MessageRecord } from '../../records/message-record.js'
import { messageSchema } from '../../records/schemas.js'
import type { LayoutOptions } from '../layout.js'
import { type HistoryTable, historyTable } from './history-table.js'
import { readStoredMessage } from './message-json.js'

/** Messages of a table, in the order in which they were added: a row is a message, and its number says where it stands. */
export function historySource(where: string, options: LayoutOptions): Source<MessageRecord> {
  const inner = async (operation: ConnectOperation): Promise<Source<Row>> =>
    rowsOf(options, await historyTable(where, options, operation))
  return decodingSource<Row, MessageRecord>(inner, {
    name: `${where} ${placeName(options.place)}${options.table === undefined ? '' : ` ${options.table}`}`,
    schema: messageSchema({ kind: 'int', bits: 64 }, false),
    sameFields: { order: 'id', session_id: 'session_id' },
    decode: messageOfRow,
    rawOf: ({ message }) => (typeof message === 'string' ? Buffer.from(message) : undefined),
  })
}

async function rowsOf({ place }: LayoutOptions, { name: table, columns }: HistoryTable): Promise<Source<Row>> {
  const wanted = ['id', 'session_id', 'message', ...(columns.has('created_at') ? ['created_at'] : [])]
  const selection = { table, key: 'id', columns: wanted }
  if (place.type === 'postgres') {
    const { postgresSource } = await adapterOf('postgres')
    return postgresSource({ connection: place.connection as string, json: 'text', ...selection })
  }
  const { sqliteSource } = await adapterOf('sqlite')
  return sqliteSource({ filename: (place as { readonly filename: string }).filename, ...selection })
}

function messageOfRow({ id, session_id, message, created_at }: Row): MessageRecord {
  const order = typeof id === 'bigint' ? String(id) : (id as number | string)
  if (typeof session_id !== 'string' || typeof message !== 'string') {
    const what =
      typeof session_id === 'string' ? `its message is ${shown(message)}` : `its session_id is ${shown(session_id)}`
    throw new DroverError('RECORD_UNREADABLE', `Message ${order} cannot be read: ${what}, and not a text.`)
  }
  return readStoredMessage(message, { session_id, order, created_at: instantOf(created_at) })
}

/** The libraries have timestamps with a zone; one without is taken as UTC, which is what most servers write. */
function instantOf(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const instant = parseInstant(value)
  return instant === null ? null : formatInstant(instant, instant.digits)
}
