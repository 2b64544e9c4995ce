import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cursorOf, keyAt } from './key-cursor.js'

describe('a cursor', () => {
  test('gives back any key, after it was kept as JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string().map((text) => Buffer.from(text)),
        ),
        (key) => {
          const kept = JSON.parse(JSON.stringify(cursorOf(key)))
          expect(Buffer.compare(keyAt(kept), key)).toBe(0)
        },
      ),
    )
  })

  test('is the text of the key where it is one', () => {
    expect(cursorOf(Buffer.from('checkpoint:ä'))).toBe('checkpoint:ä')
  })

  test('has no U+0000, which PostgreSQL does not take', () => {
    expect(JSON.stringify(cursorOf(Buffer.from('a\0b')))).not.toContain('\\u0000')
  })

  test.each([[7], [{}], [[]], [['a', 'b']], [['not base64']], [[7]], [true]])('is refused if it is %j', (cursor) => {
    expect(() => keyAt(cursor as never)).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }))
  })
})
