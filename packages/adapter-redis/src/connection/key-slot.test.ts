import { expect, it } from 'vitest'
import { keySlot } from './key-slot.js'

const slotOf = (key: string): number => keySlot(Buffer.from(key))

// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
it('a key lies in the slot of its bytes, or of what stands between its first braces', () => {
  expect(slotOf('123456789')).toBe(12_739)
  expect(slotOf('')).toBe(0)
  expect(slotOf('{user1000}.following')).toBe(slotOf('user1000'))
  expect(slotOf('a{user1000}{other}')).toBe(slotOf('user1000'))
  expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'))
  expect(slotOf('foo{bar')).toBe(15_278)
  expect(slotOf('foo{}{bar}')).not.toBe(slotOf('bar'))
})
