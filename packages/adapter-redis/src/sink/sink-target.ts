import {
  DroverError,
  type FidelityIssue,
  type RecordSchema,
  type Row,
  type SinkAccount,
  type Source,
  suggestNames,
} from '@drover/core'
import type { Evictions } from './evictions.js'
import type { KeyTemplate } from './key-template.js'
import type { ConflictKind, DraftOptions } from './keyed-draft.js'
import { type RecordForm, RecordWriter, type ServerAbility } from './record-writer.js'

export interface TargetOptions extends RecordForm {
  /** For messages: `Redis cache.example.org:6379/0`. */
  readonly where: string
  readonly policy: ConflictKind
  /** Null: the record's field `key`. */
  readonly key: KeyTemplate | ((record: never) => string | Uint8Array) | null
  readonly hashTag: string | undefined
  /** What is there, once the schema is known. */
  readonly readBack: ((schema: RecordSchema | null) => Source) | undefined
}

/** What records become, and of which ones that is known beforehand. */
export class SinkTarget {
  readonly where: string
  readonly policy: ConflictKind
  readonly readBack?: () => Source
  #schema: RecordSchema | null = null

  constructor(
    private readonly options: TargetOptions,
    private readonly server: ServerAbility,
  ) {
    this.where = options.where
    this.policy = options.policy
    const { readBack } = options
    if (readBack !== undefined) this.readBack = () => readBack(this.#schema)
  }

  /** Records are of one type, each alone: nothing of a field's own type is left but its text. */
  check({ fields }: RecordSchema): readonly FidelityIssue[] {
    if (this.options.as !== 'hash' || this.options.value !== undefined) return []
    return fields
      .filter(({ type }) => type.kind === 'any')
      .map(({ name }) => ({
        field: name,
        loses: 'a hash holds bytes, which do not tell the text 1 from the number 1, nor from the byte',
        remedy: "as: 'string', or make one type of it in a step, or leave it out",
      }))
  }

  /** @throws `SINK_NOT_READY` */
  prepare(schema: RecordSchema): void {
    this.#schema = schema
    const { as, server } = { ...this.options, server: this.server }
    if (as === 'json' && !server.hasJson) {
      throw new DroverError(
        'SINK_NOT_READY',
        `${this.where} has no RedisJSON, so as: 'json' is not possible. Load the module, or write texts with as: 'string'.`,
      )
    }
    this.#checkKey(schema)
    if (schema.fields.length === 0) return
    const { value, expiresAt, merge } = this.options
    if (as === undefined) this.#need(schema, 'type', "as: 'string', or another type of Redis, makes all records that")
    if (typeof value === 'string') this.#need(schema, value, 'value names another one, or is a function of the record')
    if (typeof expiresAt === 'string' && as !== undefined) {
      this.#need(schema, expiresAt, 'expiresAt names another one, or is a function of the record')
    }
    if (as === 'hash' && value === undefined) {
      for (const name of merge ?? []) this.#need(schema, name, 'onConflict.merge names fields of the records')
    }
  }

  /** How batches are drafted from now on. */
  drafting(): DraftOptions {
    const { key, where, policy, hashTag } = this.options
    const keyOf = key === null ? keyField : typeof key === 'function' ? key : (row: Row) => key.keyOf(row)
    return {
      where,
      policy,
      keyOf: keyOf as (record: Row) => string | Uint8Array,
      hashTag,
      writer: new RecordWriter(this.options, this.server, this.#schema),
    }
  }

  /** @param lapsed Records whose time was over before they were written. */
  account(lapsed: number, evictions: Evictions): SinkAccount | undefined {
    const evicted = evictions.count
    if (lapsed === 0 && evicted === 0) return undefined
    const said =
      lapsed === 1 ? '1 record was not written, because it had' : `${lapsed} records were not written, because they had`
    return {
      figures: { ...(lapsed > 0 && { lapsed }), ...(evicted > 0 && { evicted }) },
      kept: [],
      notes: [...(lapsed > 0 ? [`${said} expired`] : []), ...(evicted > 0 ? [evictions.note] : [])],
    }
  }

  #checkKey(schema: RecordSchema): void {
    const { key } = this.options
    if (typeof key === 'function') return
    const used = key === null ? ['key'] : key.fields
    if (schema.fields.length > 0) {
      const instead = 'key is a template such as "user:{id}", or a function of the record'
      for (const field of used) this.#need(schema, field, instead)
    }
    const left = schema.key.filter((field) => !used.includes(field))
    if (left.length === 0) return
    const names = left.map((name) => `"${name}"`).join(', ')
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.where}: the key of the records is ${schema.key.map((name) => `"${name}"`).join(', ')}, and ${key === null ? 'the field "key", which names keys of Redis,' : 'the template key'} leaves out ${names}: several records could become one key. Put it into the template, or give key as a function if the keys differ anyway.`,
    )
  }

  #need(schema: RecordSchema, field: string, instead: string): void {
    const names = schema.fields.map(({ name }) => name)
    if (names.includes(field) || schema.isInferred === true) return
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.where}: the records have no field "${field}"; ${instead}${suggestNames(field, names)}`,
    )
  }
}

function keyField(record: Row): unknown {
  return record.key
}
