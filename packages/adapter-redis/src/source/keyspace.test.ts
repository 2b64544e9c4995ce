import { expect, test } from 'vitest'
import { keyspaces } from './keyspace.js'

test('what a server says of its databases is read, whatever its version knows', () => {
  const said = '# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=7,subexpiry=2\r\ndb11:keys=1,expires=0,avg_ttl=0\r\n'
  expect(keyspaces(Buffer.from(said))).toEqual([
    { database: 0, keys: 12, expires: 3, subexpiry: 2 },
    { database: 11, keys: 1, expires: 0, subexpiry: 0 },
  ])
  expect(keyspaces(Buffer.from('# Keyspace\r\n'))).toEqual([])
})
