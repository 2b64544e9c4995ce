import { ValueRefused } from '@drover/core'
import type { CommandBuffer } from './command-buffer.js'
import { fieldText } from './field-text.js'
import { readStream, type StreamId, smallerId } from './stream-value.js'

/**
 * Makes a stream anew: its entries with their ids, its last id, its groups with what is pending to their consumers. An entry that was deleted
 * while it was pending is added for as long as it takes to claim it: XCLAIM drops those that are not there.
 *
 * @param key Its number.
 * @param countsEntries Of 7.0: `XSETID … ENTRIESADDED`, `XGROUP CREATE … ENTRIESREAD`.
 * @throws ValueRefused
 */
export function writeStream(value: unknown, key: number, out: CommandBuffer, countsEntries: boolean): void {
  const { entries, groups, lastId, maxDeletedId, entriesAdded } = readStream(value)
  const there = new Set(entries.map(({ id }) => id.text))
  const deleted = new Map<string, StreamId>()
  for (const { pending } of groups) for (const { id } of pending) if (!there.has(id.text)) deleted.set(id.text, id)
  const write = (...args: readonly unknown[]): void => {
    for (const arg of args) out.add(typeof arg === 'number' ? String(arg) : fieldText(arg))
  }
  const command = (name: string, ...args: readonly unknown[]): void => {
    out.open(name)
    out.key(key)
    write(...args)
  }
  const group = (subcommand: string, ...args: readonly unknown[]): void => {
    out.open('XGROUP')
    write(subcommand)
    out.key(key)
    write(...args)
  }

  const dummies = [...deleted.values()].map((id) => ({ id, fields: ['', ''] as readonly unknown[] }))
  const all = dummies.length === 0 ? entries : [...entries, ...dummies].sort((a, b) => smallerId(a.id, b.id))
  for (const { id, fields } of all) command('XADD', id.text, ...fields)
  if (all.length === 0) {
    // Only a group makes a stream without entries.
    group('CREATE', 'drover', '0', 'MKSTREAM')
    group('DESTROY', 'drover')
  }
  for (const { name, lastDeliveredId, entriesRead, pending, consumers } of groups) {
    const read = countsEntries && entriesRead !== null ? ['ENTRIESREAD', entriesRead] : []
    group('CREATE', name, lastDeliveredId.text, ...read)
    for (const consumer of consumers) group('CREATECONSUMER', name, consumer)
    for (const { id, consumer, deliveredAt, deliveries } of pending) {
      const claim = ['TIME', deliveredAt, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID']
      command('XCLAIM', name, consumer, '0', id.text, ...claim)
    }
  }
  const [first] = entries
  for (const id of deleted.values()) {
    if (first !== undefined && smallerId(first.id, id) < 0) command('XDEL', id.text)
  }
  // Those in front may have been trimmed, which leaves no trace in the greatest id that was deleted.
  if (deleted.size > 0) command('XTRIM', ...(first === undefined ? ['MAXLEN', 0] : ['MINID', first.id.text]))
  const last = lastId ?? all.at(-1)?.id
  if (last === undefined) return
  const newest = all.at(-1)?.id
  if (newest !== undefined && smallerId(newest, last) > 0) {
    refuse(`its last id ${last.text}, behind which ${newest.text} stands`)
  }
  if (maxDeletedId !== null && smallerId(maxDeletedId, last) > 0) {
    refuse(`its last id ${last.text}, though ${maxDeletedId.text} was deleted`)
  }
  const added = entriesAdded ?? entries.length
  if (added < entries.length) refuse(`${added} entries that were added, of which ${entries.length} are there`)
  const counts = ['ENTRIESADDED', added, ...(maxDeletedId === null ? [] : ['MAXDELETEDID', maxDeletedId.text])]
  command('XSETID', last.text, ...(countsEntries ? counts : []))
}

function refuse(what: string): never {
  throw new ValueRefused(`a stream with ${what}`, 'Redis has no such stream: mend it in a step.')
}
