import { expect, it } from 'vitest'
import type { DatabaseTable, ForeignKey } from '../contracts/database.js'
import type { LogicalType } from '../contracts/schema.js'
import { copyPlan } from './copy-plan.js'

const table = (name: string, more: Partial<DatabaseTable> = {}, id: LogicalType = { kind: 'int', bits: 64 }) => ({
  name,
  schema: {
    fields: [
      { name: 'id', type: id, nullable: false },
      { name: 'other', type: { kind: 'int', bits: 32 } as const, nullable: true },
    ],
    key: ['id'],
  },
  key: ['id'],
  uniqueKeys: [],
  foreignKeys: [],
  ...more,
})
const to = (references: string, referenced = 'id'): Pick<DatabaseTable, 'foreignKeys'> => ({
  foreignKeys: [{ columns: ['other'], references, referencedColumns: [referenced] } satisfies ForeignKey],
})
const view = { name: 'chat_view', what: 'a view' }
const chat = {
  tables: [table('chat_line', to('chat')), table('chat'), table('cache_a'), table('we[ird')],
  leftOut: [view],
}
const plan = (selection: object, contents = chat) => copyPlan('chat.db', contents, selection)
const names = (selection: object) => plan(selection).tables.map(({ name }) => name)

it('takes tables by pattern, and those that others refer to first', () => {
  expect(names({})).toEqual(['cache_a', 'chat', 'chat_line', 'we[ird'])
  expect(names({ include: ['chat*'], exclude: ['*_line'] })).toEqual(['chat'])
  expect(names({ include: ['chat', 'we[[]ird'] })).toEqual(['chat', 'we[ird'])
})

it('a name that is no table, and patterns that leave nothing, are refused with the names that are there', () => {
  expect(() => plan({ include: ['chats'] })).toThrow('there is no table "chats"; did you mean "chat"?')
  expect(() => plan({ exclude: ['chache_a'] })).toThrow('did you mean "cache_a"')
  expect(() => plan({ include: ['x*'] })).toThrow('no table to copy. Tables that are there: "chat_line", "chat"')
})

it('says what is not a table, unless nobody asked for it', () => {
  expect(plan({}).notes).toEqual(['"chat_view" is a view, which is not copied.'])
  expect(plan({ exclude: ['*view'] }).notes).toEqual([])
})

it.each([
  ['to a table that is left out', { tables: [table('a', to('b'))] }, 'that table is not copied'],
  ['to columns that are no key', { tables: [table('a', to('b', 'other')), table('b')] }, 'no primary or unique key'],
  [
    'between types that cannot be equal',
    { tables: [table('a', to('b')), table('b', {}, { kind: 'text' })] },
    '"other" is of another type',
  ],
])('a foreign key %s is left out, and said', (_, { tables }, why) => {
  const { tables: planned, notes } = plan({}, { tables, leftOut: [] })
  expect(planned.find(({ name }) => name === 'a')?.foreignKeys).toEqual([])
  expect(notes).toEqual([expect.stringContaining(why)])
})

it('a foreign key to a unique key stays, and one to itself is no circle', () => {
  const tables = [table('a', to('b', 'other')), table('b', { uniqueKeys: [['other']], ...to('b') })]
  const { tables: planned, notes } = plan({}, { tables, leftOut: [] })
  expect(planned.flatMap(({ foreignKeys }) => foreignKeys)).toHaveLength(2)
  expect(notes).toEqual([])
})

it('says which tables refer to each other, and what stands in the way of which', () => {
  const tables = [table('a', to('b')), table('b', { ...to('a'), problems: ['it is odd.'], notes: ['it is old.'] })]
  const { notes, problems } = plan({}, { tables, leftOut: [] })
  expect(notes).toEqual(['table "b": it is old.', expect.stringMatching(/tables "b", "a"|tables "a", "b"/)])
  expect(problems).toEqual([{ table: 'b', problem: 'it is odd.' }])
})
