import { createServer, type Server } from 'node:net'
import { startRedis, testCertificate } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis, type RedisOptions } from 'ioredis'
import { afterEach, expect, it, vi } from 'vitest'
import { openRedis } from './open-redis.js'
import type { RedisConnection } from './redis-connection.js'
import type { RedisLocation } from './redis-location.js'
import { locationName } from './redis-location.js'

const { signal } = new AbortController()

afterEach(() => {
  vi.unstubAllEnvs()
})

function open(connection: RedisLocation['connection'], writes = false): Promise<RedisConnection> {
  return openRedis({ connection }, { where: 'test', signal, writes })
}

async function get(connection: RedisLocation['connection'], key: string): Promise<string | undefined> {
  await using opened = await open(connection)
  const reply = await opened.nodeOf(0).call(`reading key "${key}"`, 'GET', key)
  return Buffer.isBuffer(reply) ? reply.toString() : undefined
}

/** What opening fails with. */
async function refusal(connection: RedisLocation['connection'], writes = false): Promise<unknown> {
  return open(connection, writes).then(
    async (opened) => {
      await opened[Symbol.asyncDispose]()
      throw new Error('it was opened')
    },
    (error: unknown) => error,
  )
}

function withPath(url: string, path: string): string {
  return new URL(path, url).href
}

describeRedis('a connection', () => {
  const redis = useRedis()

  it('is opened by URL, by options, from the environment and from a client', async () => {
    await redis.client.set('a', '1')
    const { host = '', port = 0 } = redis.client.options
    vi.stubEnv('REDIS_URL', redis.url)
    for (const connection of [redis.url, { host, port, db: redis.database }, redis.client, undefined]) {
      expect(await get(connection, 'a')).toBe('1')
      expect(locationName({ connection })).toBe(`${host}:${port}/${redis.database}`)
    }
  })

  it('is of the database that a client has selected now, has no prefix, and leaves the client alone', async () => {
    const { host = '', port = 0 } = redis.client.options
    const client = new Redis({ host, port, keyPrefix: 'app:', connectionName: 'application' })
    await client.select(redis.database)
    await redis.client.mset('b', 'plain', 'app:b', 'prefixed')
    expect(await get(client, 'b')).toBe('plain')
    expect(locationName({ connection: client })).toBe(`${host}:${port}/${redis.database}`)
    expect(await client.get('b')).toBe('prefixed')
    client.disconnect()
  })

  it('knows the version of the server', async () => {
    await using opened = await open(redis.url)
    const said = /redis_version:(\d+)\.(\d+)/.exec(await redis.client.info('server'))
    expect(opened.server.version.slice(0, 2)).toEqual([Number(said?.[1]), Number(said?.[2])])
    expect(await opened.topology('asking')).toMatchObject({ nodes: [{ slots: [[0, 16_383]], leaving: [] }] })
  })

  it('gives the answers of a pipeline as bytes in their order, and what the server refused among them', async () => {
    await using opened = await open(redis.url)
    const node = opened.nodeOf(0)
    const replies = await node.pipeline('trying', [
      ['SET', 'c', Buffer.from([0xff, 0x00])],
      ['GET', 'c'],
      ['LPUSH', 'c', 'x'],
      ['GET', 'none'],
      ['RPUSH', 'l', '1', 'é'],
      ['LRANGE', 'l', 0, -1],
    ])
    expect(replies[1]).toEqual(Buffer.from([0xff, 0x00]))
    expect(replies[2]).toMatchObject({ name: 'ReplyError', message: expect.stringMatching(/^WRONGTYPE/) })
    expect(replies.slice(3)).toEqual([null, 2, [Buffer.from('1'), Buffer.from('é')]])
    await expect(node.call('reading key "c"', 'LLEN', 'c')).rejects.toMatchObject({
      code: 'RECORD_REFUSED',
      message: expect.stringMatching(
        /^Redis failed while reading key "c" on 127\.0\.0\.1:\d+: WRONGTYPE .*another type\.$/,
      ),
    })
  })

  it('is not opened for a database that the server does not have', async () => {
    const error = await refusal(withPath(redis.url, '/5000'))
    expect(error).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('no database of that number'),
      isRetryable: false,
    })
  })

  it('tells that a server speaks no TLS', async () => {
    const { host = '', port = 0 } = redis.client.options
    const error = await refusal({ host, port, tls: { rejectUnauthorized: false }, connectTimeout: 300 })
    expect(error).toMatchObject({ message: expect.stringContaining('speaks no TLS on this port') })
  })

  it('is given up when its signal is aborted', async () => {
    const ending = new AbortController()
    await using opened = await openRedis(
      { connection: redis.url },
      { where: 'test', signal, writes: false, endsWith: ending.signal },
    )
    const waiting = opened.nodeOf(0).call('waiting', 'BLPOP', 'nothing', 0)
    ending.abort(new Error('enough'))
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(opened.nodeOf(0).call('waiting', 'PING')).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(
      openRedis({ connection: redis.url }, { where: 'test', signal: ending.signal, writes: false }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describeOwnRedis('a server', () => {
  it('asks for a password, which no message shows', async () => {
    const password = 'p@ss/w#rd'
    await using server = await startRedis({ settings: { requirepass: password } })
    expect(await get(server.url, 'a')).toBe(undefined)
    const wrong = await refusal(withPassword(server.url, 'wr0ng-secret'))
    expect(wrong).toMatchObject({
      code: 'STORE_DENIED',
      isRetryable: false,
      message: expect.stringMatching(
        /^Redis failed while connecting to 127\.0\.0\.1:\d+: WRONGPASS .* The password or the name/,
      ),
    })
    expect(JSON.stringify(wrong, Object.getOwnPropertyNames(wrong))).not.toContain('wr0ng-secret')
    expect(JSON.stringify((wrong as Error).cause)).not.toContain('wr0ng-secret')
    expect(await refusal(withPassword(server.url, ''))).toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('none was given'),
    })
  })

  it('has no room for another connection now, and may have later', async () => {
    await using server = await startRedis()
    const client = new Redis(server.url)
    await client.config('SET', 'maxclients', 1)
    // ioredis reads the answer or finds the connection closed, as it happens.
    for (let i = 0; i < 5; i++) {
      expect(await refusal(server.url)).toMatchObject({
        code: 'STORE_BUSY',
        isRetryable: true,
        message: expect.stringMatching(/: ERR max number of clients reached\. .*see its setting maxclients\.$/),
      })
    }
    client.disconnect()
  })

  it('may let a user do little more than read', async () => {
    await using server = await startRedis({
      aclUsers: { reader: 'on >secret ~checkpoint:* -@all +get +scan', lost: 'on >secret' },
    })
    const login = { username: 'reader', password: 'secret' }
    expect(await get({ host: server.host, port: server.port, ...login }, 'checkpoint:1')).toBe(undefined)
    await using opened = await open({ host: server.host, port: server.port, ...login })
    expect(opened.server.version[0]).toBeGreaterThanOrEqual(6)
    await expect(opened.nodeOf(0).call('reading key "other"', 'GET', 'other')).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/NOPERM .*ACL SETUSER/),
    })
    // It may not go to another database, where it would read what nobody asked for.
    expect(await refusal({ host: server.host, port: server.port, db: 1, ...login })).toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/'select'/i),
    })
  })

  it('speaks TLS, and says whom it trusts', async ({ skip }) => {
    const begun = await startRedis({ tls: testCertificate }).catch((error: unknown) => error as Error)
    if (begun instanceof Error && /tls-port.*Bad directive/s.test(begun.message))
      skip('This server was built without TLS.')
    if (begun instanceof Error) throw begun
    await using server = begun
    const tls = { host: server.host, port: server.port, tls: { ca: testCertificate.cert } }
    expect(await get(tls, 'a')).toBe(undefined)
    expect(await refusal(server.url)).toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('tls: { ca }'),
    })
    expect(await refusal(server.url.replace('rediss:', 'redis:'))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('If the server speaks TLS on this port, write rediss://'),
    })
  })

  it('fails what is on its way when it ends, and answers again when it is back', async () => {
    await using server = await startRedis({ keepsData: true })
    await using opened = await open(server.url, true)
    const node = opened.nodeOf(0)
    await node.call('writing', 'SET', 'a', '1')
    const waiting = node.call('waiting for "nothing"', 'BLPOP', 'nothing', 0)
    const many = node.pipeline('reading much', [
      ['GET', 'a'],
      ['BLPOP', 'nothing', 0],
      ['GET', 'a'],
    ])
    const both = Promise.allSettled([waiting, many])
    await server.crash()
    const lost = { code: 'STORE_UNAVAILABLE', isRetryable: true, message: expect.stringContaining('broke off') }
    expect(await both).toMatchObject([{ reason: lost }, { reason: lost }])
    // It was there before, so it is more likely to start again than mistyped.
    await expect(node.call('reading', 'GET', 'a')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    })
    await server.start()
    expect(await answered(() => node.call('reading', 'GET', 'a'))).toEqual(Buffer.from('1'))
  })

  it('is waited for while it loads its data', async () => {
    await using server = await startRedis({ keepsData: true, settings: { 'key-load-delay': 3000 } })
    const client = new Redis(server.url)
    client.on('error', () => {})
    await client.eval(`for i = 1, 200 do redis.call('SET', 'key:' .. i, string.rep('x', 20000)) end`, 0)
    await server.crash()
    client.disconnect()
    await server.start({ isLoading: true })
    expect(await get(server.url, 'key:200')).toHaveLength(20_000)
  })

  it('that is a replica is read, and not written to', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ args: ['--replicaof', master.host, String(master.port)] })
    await using opened = await open(replica.url)
    await expect(opened.nodeOf(0).call('writing key "a"', 'SET', 'a', '1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringMatching(/READONLY .*as after a failover/),
    })
    // The connection is made anew, and leads to another server where names follow the master.
    expect(await answered(() => opened.nodeOf(0).call('asking', 'PING'))).toEqual(Buffer.from('PONG'))
    expect(await refusal(replica.url, true)).toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/^test: 127\.0\.0\.1:\d+ is a replica/),
    })
  })

  it('that does not answer is not waited for without end', async () => {
    await using server = await startRedis()
    await server.pause()
    const error = await refusal({ host: server.host, port: server.port, connectTimeout: 200 })
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('did not answer in time'),
    })
  })
})

describeOwnRedis('where no server is', () => {
  it('it is said, without trying again', async () => {
    await using server = await startRedis()
    await server.stop()
    const error = await refusal(withPassword(server.url, 'secret'))
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: false,
      message: `Redis failed while connecting to ${server.host}:${server.port}: connect ECONNREFUSED ${server.host}:${server.port}. No server answers there: check host and port, and that it runs.`,
    })
    expect(await refusal('redis://app:secret@nowhere.invalid/0')).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(
        /^Redis failed while connecting to nowhere\.invalid:6379: .*(?:check its name|looked up)\.$/,
      ),
    })
  })

  it('something else may answer', async () => {
    await using http = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await refusal({ ...http.address, connectTimeout: 500 })).toMatchObject({
      message: expect.stringContaining('What answers there is no Redis'),
    })
    await using silent = await listening(() => {})
    expect(await refusal({ ...silent.address, connectTimeout: 100 })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('did not answer in time'),
    })
  })
})

function withPassword(url: string, password: string): string {
  const changed = new URL(url)
  changed.password = password === '' ? '' : encodeURIComponent(password)
  return changed.href
}

/** As the engine does: what can be tried again is. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if ((error as { isRetryable?: boolean }).isRetryable !== true) throw error
    }
  }
}

async function listening(
  onConnection: (socket: import('node:net').Socket) => void,
): Promise<AsyncDisposable & { readonly address: Pick<RedisOptions, 'host' | 'port'> }> {
  const sockets = new Set<import('node:net').Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  return {
    address: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
