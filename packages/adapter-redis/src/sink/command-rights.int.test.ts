import type { Row } from '@drover/core'
import { majorVersionOf } from '@drover-internal/redis-server'
import { describeOwnRedis, useOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { positionKey } from '../state/state-place.js'
import { redisSink } from './redis-sink.js'
import { Lane } from './testing/batches.js'

describeOwnRedis('a user of redisSink who may not do all that a batch needs', () => {
  const own = useOwnRedis((client) => client.call('ACL', 'DELUSER', 'limited'))

  const allow = (...rules: readonly string[]) =>
    own.client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '+@all', ...rules)
  const open = (onConflict: 'error' | 'update' = 'error'): Promise<Lane> =>
    Lane.open(redisSink<Row>({ connection: own.server.url.replace('//', '//limited:secret@'), onConflict }))
  const keys = async (): Promise<string[]> => (await own.client.keys('*')).filter((key) => !key.includes('drover:v1:'))
  const records: readonly Row[] = [
    { key: 'hash', type: 'hash', value: { a: 'x' } },
    { key: 'stream', type: 'stream', value: { entries: [], groups: [{ name: 'g', consumers: ['c'] }] } },
    { key: 'list', type: 'list', value: ['x'] },
  ]

  // Redis 6.2 knows no other way to deny a part of a command.
  it.each([
    ['-xgroup', '+xgroup|create', '+xgroup|destroy'],
    ['-xgroup', '+xgroup|create', '+xgroup|createconsumer'],
    ['-@transaction', '-rpush'],
  ])('is told so before anything is written: %s', async (...rules) => {
    await allow(...rules)
    await using lane = await open()
    await expect(lane.write(records)).rejects.toMatchObject({ code: 'STORE_DENIED' })
    expect(await keys()).toEqual([])
  })

  it('is told so if the right was taken away between two batches, of which the second one writes nothing', async () => {
    await allow()
    await using lane = await open()
    await lane.write(records)
    await allow('-rpush')
    const more = records.map((record) => ({ ...record, key: `more ${record.key}` }))
    // An older server tells a script nothing of rights, and what it did is undone.
    const said = (await majorVersionOf(own.client)) < 7 ? 'Nothing of it is left' : 'may not run RPUSH any more'
    await expect(lane.write(more)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining(said),
    })
    expect(await keys()).toHaveLength(3)
  })

  it('leaves nothing of a batch that fails half way all the same', async () => {
    // What is asked about is the key of the position: a right to it alone promises too much.
    await allow('-rpush', `+rpush|${positionKey({ keyPrefix: undefined, hashTag: undefined }, 'run')}`)
    await using lane = await open()
    await expect(lane.write(records)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('Nothing of it is left'),
    })
    expect(await keys()).toEqual([])
    expect(await lane.claim()).toBe(0)
    await allow()
    expect(await lane.write(records)).toMatchObject({ inserted: 3 })
  })

  it('is told that keys are left which were there before', async () => {
    await own.client.set('list', 'before')
    await allow('-rpush', `+rpush|${positionKey({ keyPrefix: undefined, hashTag: undefined }, 'run')}`)
    await using lane = await open('update')
    await expect(lane.write(records)).rejects.toMatchObject({ message: expect.stringContaining('A part of its keys') })
    await allow()
    expect(await lane.write(records)).toMatchObject({ updated: 2 })
  })
})
