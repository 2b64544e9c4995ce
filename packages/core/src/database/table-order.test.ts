import { expect, it } from 'vitest'
import { tableOrder } from './table-order.js'

const order = (tables: Readonly<Record<string, readonly string[]>>) => tableOrder(new Map(Object.entries(tables)))

it('tables that others refer to come first, else by name', () => {
  expect(order({ line: ['invoice', 'track'], invoice: ['customer'], track: [], customer: [], artist: [] })).toEqual({
    order: ['artist', 'customer', 'invoice', 'track', 'line'],
    cycles: [],
  })
})

it('a table that refers to itself is no cycle, nor is one to a table that is not copied', () => {
  expect(order({ person: ['person', 'elsewhere'] })).toEqual({ order: ['person'], cycles: [] })
})

it('tables that refer to each other are a group, in front of those that refer to them and behind those that they need', () => {
  const found = order({ a: ['b'], b: ['c', 'z'], c: ['a'], before: ['a'], z: [], x: ['y'], y: ['x'] })
  expect(found.cycles.map((cycle) => [...cycle].sort())).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y'],
  ])
  const place = (name: string): number => found.order.indexOf(name)
  expect(Math.min(place('a'), place('b'), place('c'))).toBeGreaterThan(place('z'))
  expect(Math.max(place('a'), place('b'), place('c'))).toBeLessThan(place('before'))
  expect(new Set(found.order).size).toBe(7)
})

it('a chain of twenty thousand tables is no deep stack', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `t${String(i).padStart(6, '0')}`)
  const found = tableOrder(new Map(names.map((name, i) => [name, names.slice(i + 1, i + 2)])))
  expect([found.order[0], found.order.at(-1)]).toEqual(['t019999', 't000000'])
})
