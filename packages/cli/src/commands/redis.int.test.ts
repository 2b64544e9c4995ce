// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { drover, events } from '../testing/command.js'
import { makeMessages, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('chat.db', 100)
})

const source = (rest = ''): string => `source: { type: redis, connection: "\${REDIS_URL}"${rest} }\n`
const sink = (rest: string): string => `sink: { type: redis, connection: "\${REDIS_URL}", ${rest} }\n`
const fromSqlite = 'source: { type: sqlite, filename: chat.db, table: messages }\n'
const toFile = (name: string): string => `sink: { type: ndjson, path: ${name}.ndjson }\n`

describeRedis('the command with Redis', () => {
  const database = useRedis()
  const env = (): NodeJS.ProcessEnv => ({ REDIS_URL: database.url })
  beforeEach(() => database.client.flushdb())

  test('writes keys, reads them, verifies, and keeps the state there', async () => {
    folder.write('in.yaml', `name: in\n${fromSqlite}${sink('key: "message:{id}", as: hash')}`)
    expect(await drover(['run', 'in.yaml'], env())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('100 inserted'),
    })
    expect(await database.client.hgetall('message:10')).toEqual({ id: '10', role: 'debug', content: 'message 10' })
    expect(await drover(['verify', 'in.yaml'], env())).toMatchObject({ code: 0 })
    await database.client.hset('message:7', 'role', 'nobody')
    expect(await drover(['verify', 'in.yaml'], env())).toMatchObject({ code: 1, stdout: expect.stringContaining('7') })

    folder.write(
      'out.yaml',
      `name: out\n${source(', keyPrefix: "message:", types: [hash]')}sink: { type: sqlite, filename: out.db, table: keys }\nstate: { type: redis, connection: "\${REDIS_URL}" }\n`,
    )
    expect(await drover(['run', 'out.yaml'], env())).toMatchObject({ code: 0 })
    expect(rowsOf('out.db', "SELECT count(*) AS n, max(type) AS type FROM keys WHERE key LIKE 'message:%'")).toEqual([
      { n: 100, type: 'hash' },
    ])
    expect(await drover(['status', 'out', '--state', database.url])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('completed'),
    })
  })

  test('does what the README of the example says', async () => {
    const readme = path.resolve(import.meta.dirname, '../../../../examples/redis-to-parquet/README.md')
    const [, yaml = ''] = /^```yaml\n([\s\S]*?)^```/m.exec(readFileSync(readme, 'utf8')) ?? []
    await database.client.mset({ 'checkpoint:1': 'one', 'session:1': 'another' })
    folder.write('example.yaml', yaml)
    expect(await drover(['run', 'example.yaml'], env())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 read = 1 written'),
    })
    expect(readFileSync('data.parquet').subarray(-4).toString()).toBe('PAR1')
  })

  test('takes an empty prefix, and a pattern', async () => {
    await database.client.mset({ 'a:1': 'one', 'b:1': 'two' })
    folder.write('all.yaml', `name: all\n${source(', keyPrefix: ""')}${toFile('all')}`)
    expect(await drover(['run', 'all.yaml'], env())).toMatchObject({ code: 0 })
    expect(readFileSync('all.ndjson', 'utf8').trimEnd().split('\n')).toHaveLength(2)
    folder.write('some.yaml', `name: some\n${source(', match: "b:*"')}${toFile('some')}`)
    expect(await drover(['run', 'some.yaml'], env())).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync('some.ndjson', 'utf8'))).toEqual({
      key: 'b:1',
      type: 'string',
      value: 'two',
      expires_at: null,
    })
  })

  describe('of what is there', () => {
    test('a pattern that matches nothing is done, and says where something is', async () => {
      await database.client.mset({ 'session:1': 'a' })
      folder.write('nothing.yaml', `name: nothing\n${source()}${toFile('nothing')}`)
      const { code, stdout } = await drover(['run', 'nothing.yaml'], env())
      expect([code, stdout]).toEqual([0, expect.stringContaining('SOURCE_EMPTY')])
      expect(stdout).toContain(`no key begins with "checkpoint:"`)
    })

    test("Drover's own keys under the prefix are left out, and said", async () => {
      await database.client.set('checkpoint:1', 'one')
      folder.write(
        'own.yaml',
        `name: own\n${source()}${toFile('own')}state: { type: redis, connection: "\${REDIS_URL}", keyPrefix: "checkpoint:" }\n`,
      )
      const { code, stdout } = await drover(['run', 'own.yaml'], env())
      expect([code, stdout]).toEqual([0, expect.stringContaining('KEYS_LEFT_OUT')])
      expect(readFileSync('own.ndjson', 'utf8').trimEnd().split('\n')).toHaveLength(1)
    })

    test('a value that is too large, and a text that is none, are refused by their keys', async () => {
      await database.client.set('checkpoint:large', 'x'.repeat(5000))
      await database.client.set('checkpoint:bytes', Buffer.from([0xff, 0xfe]))
      await database.client.set('checkpoint:good', 'good')
      folder.write('refused.yaml', `name: refused\n${source(', maxValueBytes: 1000')}${toFile('refused')}`)
      const failed = await drover(['run', 'refused.yaml'], env())
      expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('RECORD_REJECTED')])
      const { code, stdout } = await drover(['run', 'refused.yaml', '--max-rejected', '2', '--json'], env())
      const rejected = events(stdout).filter(({ event }) => event === 'record:rejected')
      expect([code, rejected.map(({ message }) => message).toSorted()]).toEqual([
        3,
        [
          expect.stringMatching(/"checkpoint:bytes".*decodeResponses: false/),
          expect.stringMatching(/"checkpoint:large".*raise maxValueBytes/),
        ],
      ])
    })
  })

  describe('of what is to be written', () => {
    test('a template that gives two records one key is refused before the run, or names both', async () => {
      folder.write('roles.yaml', `name: roles\n${fromSqlite}${sink('key: "role:{role}", as: string')}`)
      const { code, stderr } = await drover(['run', 'roles.yaml'], env())
      expect([code, stderr]).toEqual([1, expect.stringMatching(/SINK_NOT_READY: .*leaves out "id"/)])
      expect(await database.client.exists('role:user')).toBe(0)
    })

    test('a template with a field that no record has is refused', async () => {
      folder.write('ident.yaml', `name: ident\n${fromSqlite}${sink('key: "m:{ident}", as: string')}`)
      const { code, stderr } = await drover(['run', 'ident.yaml'], env())
      expect([code, stderr]).toEqual([1, expect.stringContaining('ident')])
    })

    test('documents need a server with the module', async () => {
      folder.write('json.yaml', `name: json\n${fromSqlite}${sink('key: "m:{id}", as: json')}`)
      const { code, stderr } = await drover(['run', 'json.yaml'], env())
      expect([code, stderr]).toEqual([1, expect.stringMatching(/SINK_NOT_READY: .*JSON/)])
      folder.write('read-json.yaml', `name: read-json\n${source(', types: json')}${toFile('read-json')}`)
      const read = await drover(['run', 'read-json.yaml'], env())
      expect([read.code, read.stderr]).toEqual([1, expect.stringMatching(/SOURCE_INVALID: .*no RedisJSON/)])
    })

    test('a key that is there is refused by its record', async () => {
      await database.client.set('m:3', 'mine')
      folder.write('there.yaml', `name: there\n${fromSqlite}${sink('key: "m:{id}", as: string')}`)
      const { code, stderr } = await drover(['run', 'there.yaml'], env())
      expect([code, stderr]).toEqual([1, expect.stringMatching(/RECORD_REJECTED: .*"m:3"/)])
      expect(await database.client.get('m:3')).toBe('mine')
    })
  })

  test('what a file may not say is told with its place', async () => {
    for (const [rest, said] of [
      [', types: [string, stack]', '"stack"'],
      [', types: hsh', '"hsh"; did you mean "hash"'],
      [', decodeResponses: maybe', 'decodeResponses is true or false'],
      [', keyprefix: x', 'source has no "keyprefix"; did you mean "keyPrefix"'],
      [', keyPrefix: "a:", match: "b:*"', 'keyPrefix'],
    ] as const) {
      folder.write('wrong.yaml', `name: wrong\n${source(rest)}${toFile('wrong')}`)
      const { code, stderr } = await drover(['run', 'wrong.yaml'], env())
      expect([code, stderr], rest).toEqual([2, expect.stringMatching(/OPTION_INVALID: wrong\.yaml:2:\d+: /)])
      expect(stderr).toContain(said)
    }
  })
})

describeOwnRedis('a server that is not as it should be', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ settings: { databases: 4, requirepass: 'hunter2' } })
    const client = new Redis(server.url, { db: 1 })
    await client.acl('SETUSER', 'reader', 'on', '>hunter3', '~*', '+@read', '+@connection')
    await client.mset({ 'checkpoint:1': 'a', 'checkpoint:2': 'b' })
    client.disconnect()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const at = (user: string, rest = ''): string => `redis://${user}${user && '@'}${server.host}:${server.port}${rest}`
  const run = async (url: string, pipeline = `${source()}${toFile('x')}`) => {
    folder.write('bad.yaml', `name: bad\n${pipeline}`)
    const done = await drover(['run', 'bad.yaml'], { REDIS_URL: url })
    for (const secret of ['hunter2', 'hunter3', 'wrong password'])
      expect(done.stdout + done.stderr).not.toContain(secret)
    return done
  }

  test.each([
    ['no password', () => at(''), /STORE_DENIED: .*127\.0\.0\.1:\d+.*password/],
    ['a wrong password', () => at(':wrong%20password'), /STORE_DENIED: .*127\.0\.0\.1:\d+.*password/],
    ['a wrong user', () => at('nobody:hunter2'), /STORE_DENIED: .*127\.0\.0\.1:\d+.*user/],
    ['a database that there is none of', () => at(':hunter2', '/4'), /OPTION_INVALID: .*DB index is out of range/],
    [
      'a host that there is none of',
      () => 'redis://no-such-host.invalid',
      /STORE_UNAVAILABLE: .*no-such-host\.invalid/,
    ],
    ['a port where nobody is', () => 'redis://127.0.0.1:1', /STORE_UNAVAILABLE: .*127\.0\.0\.1:1/],
  ])('%s', async (_, url, said) => {
    const { code, stderr } = await run(url())
    // Which database is a matter of the URL.
    expect([code, stderr]).toEqual([said.source.startsWith('OPTION') ? 2 : 1, expect.stringMatching(said)])
  })

  test.each([['http://127.0.0.1:6379'], ['127.0.0.1'], ['redis://127.0.0.1:6379/first']])(
    '%s is no URL of a Redis',
    async (url) => {
      const { code, stderr } = await run(url)
      expect([code, stderr]).toEqual([2, expect.stringContaining('OPTION_INVALID: bad.yaml:2:')])
    },
  )

  test('TLS where the server has none, without trying again for long', async () => {
    const tls = `{ host: ${server.host}, port: ${server.port}, tls: { servername: x }, connectTimeout: 200 }`
    const began = performance.now()
    const { code, stderr } = await run('', `source: { type: redis, connection: ${tls} }\n${toFile('x')}`)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/STORE_UNAVAILABLE: .*no TLS on this port/)])
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  test('a pattern that matches nothing in this database, and would in another', async () => {
    const { code, stdout } = await run(at(':hunter2', '/0'))
    expect([code, stdout]).toEqual([0, expect.stringMatching(/SOURCE_EMPTY.*database 1 has 2 keys/)])
  })

  test('a user who may read and not write', async () => {
    const { code, stderr } = await run(at('reader:hunter3', '/1'), `${fromSqlite}${sink('key: "m:{id}", as: string')}`)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/STORE_DENIED: .*NOPERM.*ACL SETUSER/)])
  })
})
