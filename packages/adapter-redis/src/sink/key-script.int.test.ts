import { majorVersionOf } from '@drover-internal/redis-server'
import { describeOwnRedis, useOwnRedis } from '@drover-internal/redis-server/vitest'
import { beforeEach, expect, it } from 'vitest'
import { openRedis } from '../connection/open-redis.js'
import type { Reply } from '../connection/raw-command.js'
import { CommandBuffer } from './command-buffer.js'
import { keyScript } from './key-script.js'
import { samplesOf } from './script-parts.js'

const { signal } = new AbortController()

describeOwnRedis('the script that makes one key', () => {
  const own = useOwnRedis()
  beforeEach(() => own.client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '+@all'))

  const run = async (policy: 'update' | 'merge', commands: readonly (readonly [string, ...string[]])[]) => {
    const buffer = new CommandBuffer()
    for (const [name, ...args] of commands) {
      buffer.open(name)
      buffer.key(0)
      for (const arg of args) buffer.add(arg)
    }
    const [part = Buffer.alloc(0)] = buffer.end().parts
    const [made, merged] = policy === 'merge' ? [0, 1] : [1, 0]
    const samples = samplesOf(new Set([...commands.map(([name]) => name), 'UNLINK']))
    const connection = own.server.url.replace('//', '//limited:secret@')
    await using opened = await openRedis({ connection }, { where: 'test', signal, writes: true })
    const args = [policy, samples, made, 0, merged, part]
    return shown(await opened.nodeOf(0).run('making a key', keyScript, ['a'], args))
  }

  it('makes it, and says whether it was there', async () => {
    expect(await run('update', [['RPUSH', 'x', 'y']])).toBe('inserted')
    expect(await run('update', [['RPUSH', 'z']])).toBe('updated')
    expect(await own.client.lrange('a', 0, -1)).toEqual(['z'])
  })

  it('leaves nothing half made where a command fails, and says what the server said', async () => {
    const commands = [
      ['RPUSH', 'x'],
      ['HSET', 'f', 'v'],
    ] as const
    await expect(run('update', commands)).rejects.toMatchObject({
      code: 'RECORD_REFUSED',
      message: expect.stringContaining('WRONGTYPE'),
    })
    expect(await own.client.exists('a')).toBe(0)
  })

  it('keeps a hash that it could not merge all of', async () => {
    await own.client.hset('a', 'other', '1')
    await expect(run('merge', [['HSET', 'f', 'v'] as const, ['RPUSH', 'x'] as const])).rejects.toMatchObject({
      code: 'RECORD_REFUSED',
    })
    expect(await own.client.hgetall('a')).toMatchObject({ other: '1' })
  })

  it('does not begin what the user may not end', async () => {
    if ((await majorVersionOf(own.client)) < 7) return // Scripts cannot ask.
    await own.client.set('a', 'before')
    await own.client.call('ACL', 'SETUSER', 'limited', '-rpush')
    expect(await run('update', [['RPUSH', 'x']])).toEqual(['denied', 'RPUSH'])
    expect(await own.client.get('a')).toBe('before')
  })

  it('has no room for a key in a full own.server, and takes none away', async () => {
    await own.client.config('SET', 'maxmemory', '1')
    try {
      await expect(run('update', [['RPUSH', 'x']])).rejects.toMatchObject({ code: 'STORE_FULL' })
    } finally {
      await own.client.config('SET', 'maxmemory', '0')
    }
  })
})

function shown(reply: Reply): unknown {
  return Array.isArray(reply) ? reply.map(String) : String(reply)
}
