import { expect, it } from 'vitest'
import { pathName } from './path-name.js'

it.each([
  ['a.db', 'a.db'],
  ['./a.db', 'a.db'],
  ['.//data///a.db', 'data/a.db'],
  ['data/../a.db', 'a.db'],
  ['../a.db', '../a.db'],
  ['/srv/./app/a.db', '/srv/app/a.db'],
  ['export/', 'export'],
  ['.', '.'],
  ['./', '.'],
  ['/', '/'],
  [':memory:', ':memory:'],
  ['a b/ü.db', 'a b/ü.db'],
])('%s is %s', (path, name) => {
  expect(pathName(path).replaceAll('\\', '/')).toBe(name)
})
