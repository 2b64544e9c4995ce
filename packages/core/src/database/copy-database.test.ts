import { expect, it } from 'vitest'
import type { Database } from '../contracts/database.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { type CopyDatabaseOptions, databaseCopy } from './copy-database.js'

const database = (name: string): Database => ({
  specVersion: 1,
  name,
  stateStore: () => memoryStateStore(),
  connect: () => Promise.reject(new Error('nothing is opened')),
})
const [from, to] = [database('sqlite a.db'), database('postgres b')]

it('is a pipeline with the name of both, whose options are checked before anything is opened', () => {
  const { name, source, sink } = databaseCopy({ from, to, include: ['a*'] })
  expect([name, 'name' in source && source.name, sink.name]).toEqual([
    'copy of sqlite a.db to postgres b',
    'sqlite a.db',
    'postgres b',
  ])
})

it.each<[string, object, RegExp]>([
  ['what there is not', { includes: ['a'] }, /no option "includes"; did you mean "include"/],
  ['no database', { from: 'a.db' }, /from is a database, such as sqliteDatabase/],
  ['the same one', { to: from }, /both sqlite a\.db/],
  ['an empty list', { include: [] }, /include is a list/],
  ['a pattern that does not end', { exclude: ['a[b'] }, /exclude: the pattern has a \[/],
  ['merging', { onConflict: { merge: ['a'] } }, /onConflict is 'error' or 'skip' or 'update'/],
  ['a word for a flag', { foreignKeys: 'later' }, /foreignKeys is true or false/],
])('refuses %s', (_, wrong, message) => {
  expect(() => databaseCopy({ from, to, ...wrong } as CopyDatabaseOptions)).toThrow(message)
})
