import {
  DroverError,
  type ExactSession,
  type ExactSink,
  type Field,
  formatInstant,
  type Operation,
  parseInstant,
  type RecordSchema,
  type Row,
  type SinkOperation,
  type StateStore,
} from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { EncodedSession } from '../../base/encoded-session.js'
import { LazyStateStore } from '../../base/lazy-state-store.js'
import { placeName } from '../../base/place-name.js'
import type { MessageRecord } from '../../records/message-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { sqliteHistory, textHistory, uuidHistory } from './history-statements.js'
import { findTables, type HistoryTable, historyTable } from './history-table.js'
import { requireMessages, strangeFields } from './message-fields.js'
import { storedMessage } from './message-json.js'

/** What a sink that creates its table calls it, where nothing else is said. */
const defaultTable = 'message_store'

/**
 * Writes messages into a table, behind those that are there: the store numbers them as they come. A table that is missing is created as the
 * library would do it.
 */
export function historySink(where: string, options: LayoutOptions & LayoutSinkOptions): ExactSink<MessageRecord> {
  if (options.onConflict !== undefined && options.onConflict !== 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: leave onConflict out: the store gives each message a new number, so none is there already.`,
    )
  }
  const name = `${where} ${placeName(options.place)} ${options.table ?? 'messages'}`
  return {
    specVersion: 1,
    name,
    guarantee: 'exactly-once',
    keyed: false,
    // In the order in which records come, by one partition at a time: the store numbers them, and their order is the history.
    limits: { partitions: 1 },
    stateStore: () => new LazyStateStore(name, () => stateStoreOf(options)),
    connect: (operation) => open(where, name, options, operation),
  }
}

async function open(
  where: string,
  name: string,
  options: LayoutOptions & LayoutSinkOptions,
  operation: SinkOperation,
): Promise<ExactSession<MessageRecord>> {
  // The one that is there, of the two that are looked for; a file that is not there yet has none.
  const isThere = (await tablesIn(options, operation)).length > 0
  const found = isThere ? await historyTable(where, options, operation) : null
  const table = found?.name ?? qualified(options.schema, options.table ?? defaultTable)
  const createdAt = found === null ? createdAtOfNew(options) : createdAtOf(found)
  const encode = refusing(
    name,
    (message: MessageRecord): Row => ({
      session_id: message.session_id,
      message: storedMessage(message),
      ...(createdAt === null || message.created_at === null
        ? {}
        : { created_at: timeText(message.created_at, createdAt) }),
    }),
  )
  return new EncodedSession(await (await sinkOf(options, table)).connect(operation), {
    schema: rowSchema(createdAt),
    check: (schema) => {
      requireMessages(name, schema)
      return strangeFields(schema)
    },
    begin: () => ({ encode }),
  })
}

/** Whatever cannot be made of a record, it is the record that is refused. */
function refusing<I, R>(name: string, encode: (record: I) => R): (record: I) => R {
  return (record) => {
    try {
      return encode(record)
    } catch (cause) {
      throw new DroverError('RECORD_REFUSED', `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      })
    }
  }
}

async function tablesIn(options: LayoutOptions, operation: Operation): Promise<readonly HistoryTable[]> {
  try {
    return await findTables(options, operation)
  } catch (error) {
    if (options.place.type === 'sqlite' && DroverError.isInstance(error, 'SOURCE_NOT_FOUND')) return []
    throw error
  }
}

async function sinkOf({ place, sessions }: LayoutOptions & LayoutSinkOptions, table: string): Promise<ExactSink<Row>> {
  if (place.type === 'postgres') {
    const { postgresSink } = await adapterOf('postgres')
    return postgresSink({
      connection: place.connection as string,
      table,
      json: 'text',
      createTable: sessions === 'uuid' ? uuidHistory(table) : textHistory(table),
    })
  }
  const { sqliteSink } = await adapterOf('sqlite')
  return sqliteSink({
    filename: (place as { readonly filename: string }).filename,
    table,
    createTable: sqliteHistory(table),
  })
}

async function stateStoreOf({ place }: LayoutOptions): Promise<StateStore> {
  if (place.type === 'postgres') {
    return (await adapterOf('postgres')).postgresStateStore({ connection: place.connection as string })
  }
  return (await adapterOf('sqlite')).sqliteStateStore({ filename: (place as { readonly filename: string }).filename })
}

/** In which form a table keeps when a message was written: null if it does not. */
type TimeForm = 'zone' | 'local' | 'text' | null

function createdAtOfNew({ place, sessions }: LayoutOptions & LayoutSinkOptions): TimeForm {
  return place.type === 'postgres' && sessions === 'uuid' ? 'zone' : null
}

function createdAtOf({ columns }: HistoryTable): TimeForm {
  const type = columns.get('created_at')
  if (type === undefined) return null
  if (type.startsWith('timestamp') && type.endsWith('with time zone')) return 'zone'
  return type.startsWith('timestamp') && type.endsWith('without time zone') ? 'local' : 'text'
}

/** Without a zone it is the time in UTC, to the microsecond, as SQLAlchemy writes it. */
function timeText(text: string, form: TimeForm): string {
  const instant = parseInstant(text)
  if (instant === null) throw new Error(`its created_at is no instant of ISO 8601: ${JSON.stringify(text)}`)
  if (form === 'zone') return formatInstant(instant, 6)
  return formatInstant(instant, 6).replace('T', ' ').replace('Z', '')
}

function rowSchema(createdAt: TimeForm): RecordSchema {
  const fields: Field[] = [
    { name: 'session_id', type: { kind: 'text' }, nullable: false },
    { name: 'message', type: { kind: 'text' }, nullable: false, holds: 'json' },
  ]
  if (createdAt !== null) fields.push({ name: 'created_at', type: timeType(createdAt), nullable: true })
  return { fields, key: [] }
}

function timeType(form: TimeForm): Field['type'] {
  return form === 'text' ? { kind: 'text' } : { kind: 'timestamp', zone: form === 'zone', digits: 6 }
}

function qualified(schema: string | undefined, table: string): string {
  return schema === undefined ? table : `${schema}.${table}`
}
