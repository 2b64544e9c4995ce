import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { databaseLocation } from './database-location.js'

describe('the place of a database', () => {
  it.each([
    ['chat.db', resolve('chat.db')],
    ['/data/chat.db', '/data/chat.db'],
    ['100%.db', resolve('100%.db')],
    [':memory:', null],
    ['sqlite:///chat.db', resolve('chat.db')],
    ['sqlite:///a/b%20c.db', resolve('a/b c.db')],
    ['sqlite:////data/chat.db', '/data/chat.db'],
    ['sqlite:///:memory:', null],
    ['file:chat.db', resolve('chat.db')],
    ['file:/data/chat.db', '/data/chat.db'],
    ['file:///data/a%3Fb.db', '/data/a?b.db'],
    ['file:anything?mode=memory', null],
  ])('%s', (name, path) => {
    expect(databaseLocation(name, 'test')).toMatchObject({ name, path })
  })

  it('reads the mode of a URI', () => {
    expect(databaseLocation('file:a.db?mode=ro', 'test')).toMatchObject({ isReadonly: true, mayCreate: false })
    expect(databaseLocation('sqlite:///a.db?mode=rw', 'test')).toMatchObject({ isReadonly: false, mayCreate: false })
  })

  it.each(['sqlite:///', 'sqlite:////', 'sqlite://host/x', 'sqlite:x.db', 'file:', 'file:a.db?mode=x', 'sqlite:///%'])(
    '%s is refused',
    (name) => {
      expect(() => databaseLocation(name, 'test')).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }))
    },
  )
})
