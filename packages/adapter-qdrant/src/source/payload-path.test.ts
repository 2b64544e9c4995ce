import { describe, expect, test } from 'vitest'
import { nativePath, payloadPath, valueAt } from './payload-path.js'

describe('a path into payloads', () => {
  test.each([
    ['payload.role', ['role'], 'role'],
    ['payload.a.b-c_1', ['a', 'b-c_1'], 'a.b-c_1'],
    ['payload."first.name".x', ['first.name', 'x'], '"first.name".x'],
    ['payload.größe', ['größe'], 'größe'],
    ['payload.a[0]', ['a[0]'], '"a[0]"'],
    ['payload.a b', ['a b'], '"a b"'],
    ['payload.a"b', ['a"b'], null],
  ])('%s', (field, path, native) => {
    expect(payloadPath(field)).toEqual(path)
    expect(nativePath(path)).toBe(native)
  })

  test.each(['payload.', 'payload.a.', 'payload..a', 'payload."a', 'payload."a"b', 'payload.""'])(
    'none: %s',
    (field) => {
      expect(() => payloadPath(field)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    },
  )

  test('leads through objects alone', () => {
    const payload = { a: { b: null, list: [{ b: 1 }], constructor: 2 } }
    expect(valueAt(payload, ['a', 'b'])).toBeNull()
    expect(valueAt(payload, ['a', 'list', 'b'])).toBeUndefined()
    expect(valueAt(payload, ['a', 'list', '0'])).toBeUndefined()
    expect(valueAt(payload, ['a', 'constructor'])).toBe(2)
    expect(valueAt(payload, ['constructor'])).toBeUndefined()
    expect(valueAt(null, ['a'])).toBeUndefined()
  })
})
