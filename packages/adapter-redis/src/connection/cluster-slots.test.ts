import { expect, it } from 'vitest'
import { parseOwnSlots, parseRedirect, parseSlots } from './cluster-slots.js'

const asked = { host: 'asked', port: 7000 }
const text = (value: string): Buffer => Buffer.from(value)

it('the slots of a cluster are read, with addresses as they are reached from here', () => {
  const reply = [
    [0, 5, [text('10.0.0.1'), 7001, text('a'), []], [text('10.0.0.9'), 7009, text('r'), []]],
    [6, 6, [null, 7002, text('b'), []]],
    [7, 9, [text(''), 7003, text('c')]],
    [10, 16_383, [text('?'), 7004, text('d'), [text('ip'), text('10.0.0.4')]]],
  ]
  expect(parseSlots(reply, asked, undefined).ranges).toEqual([
    { slots: [0, 5], master: { host: '10.0.0.1', port: 7001 } },
    { slots: [6, 6], master: { host: 'asked', port: 7002 } },
    { slots: [7, 9], master: { host: 'asked', port: 7003 } },
    { slots: [10, 16_383], master: { host: '10.0.0.4', port: 7004 } },
  ])
  const outside = { host: 'outside', port: 1 }
  expect(parseSlots(reply, asked, { '10.0.0.1:7001': outside }).ranges[0]?.master).toBe(outside)
  expect(parseSlots(reply, asked, (key) => (key === '10.0.0.1:7001' ? outside : null)).ranges[0]?.master).toBe(outside)
})

it('a node tells its own slots, and those that are on their way', () => {
  const reply = text(
    'b 10.0.0.2:7002@17002 master - 0 1 2 connected 5461-10922\n' +
      'a 10.0.0.1:7001@17001,host myself,master - 0 1 3 connected 0-5460 7000 [77->-b] [93-<-b]\n',
  )
  expect(parseOwnSlots(reply)).toEqual({
    id: 'a',
    slots: [
      [0, 5460],
      [7000, 7000],
    ],
    leaving: [77],
    arriving: [93],
  })
  expect(parseOwnSlots(text('a 10.0.0.1:7001@17001 myself,slave b 0 1 3 connected\n'))).toBe(undefined)
})

it('a redirect says where to go', () => {
  expect(parseRedirect('MOVED 3999 10.0.0.1:6381', asked, undefined)).toEqual({
    slot: 3999,
    to: { host: '10.0.0.1', port: 6381 },
  })
  expect(parseRedirect('ASK 1 ::1:6381', asked, undefined)).toEqual({ slot: 1, to: { host: '::1', port: 6381 } })
  expect(parseRedirect('MOVED 2 :6381', asked, undefined)).toEqual({ slot: 2, to: { host: 'asked', port: 6381 } })
  expect(parseRedirect('TRYAGAIN Multiple keys', asked, undefined)).toBe(undefined)
})
