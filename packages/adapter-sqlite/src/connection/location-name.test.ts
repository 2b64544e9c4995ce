import { expect, it } from 'vitest'
import { locationName } from './open-sqlite.js'

it.each([
  ['chat.db', 'chat.db'],
  ['./chat.db', 'chat.db'],
  ['/srv//app/../chat.db', '/srv/chat.db'],
  [':memory:', ':memory:'],
  ['./:memory:', './:memory:'], // a file of that name
  ['./file:chat.db', './file:chat.db'],
  ['sqlite:///chat.db', 'sqlite:///chat.db'],
  ['file:./chat.db?mode=ro', 'file:./chat.db?mode=ro'],
])('the database %s is shown as %s', (filename, name) => {
  expect(locationName({ filename }).replaceAll('\\', '/')).toBe(name)
})
