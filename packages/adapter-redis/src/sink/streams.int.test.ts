import { DroverError, type Row } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { beforeEach, expect, it } from 'vitest'
import { redisSink } from './redis-sink.js'
import { Lane } from './testing/batches.js'

const group = { name: 'g', lastDeliveredId: '5-1', entriesRead: 1, consumers: ['c'] }
const stream = (about: Row): Row => ({ entries: [{ id: '5-1', fields: [['a', 'b']] }], lastId: '5-1', ...about })
const fieldsOf = (count: number): Row => ({
  entries: [{ id: '5-1', fields: Array.from({ length: count }, (_, i) => [`field ${i}`, 'v']) }],
})

describeRedis('a stream that Redis cannot hold, or a script not make', () => {
  const database = useRedis()
  beforeEach(async () => {
    await database.client.flushdb()
  })

  const write = async (value: unknown): Promise<void> => {
    await using lane = await Lane.open(redisSink<Row>({ connection: database.url, key: 'a:{id}' }))
    await lane.write([
      { id: 1, type: 'list', value: ['x'] },
      { id: 2, type: 'stream', value },
    ])
  }

  // A script that fails half way would leave the list.
  it.each([
    [
      'two groups of one name',
      stream({ groups: [group, { ...group, name: new Uint8Array([0x67]) }] }),
      'groups[1].name',
    ],
    ['0-0 as pending', stream({ groups: [{ ...group, pending: [{ id: '0-0', consumer: 'c' }] }] }), 'pending[0].id'],
    ['an entry of 3,901 fields', fieldsOf(3_901), 'entries[0] has 3901 fields'],
  ])('is refused with its place, and nothing of the batch is written: %s', async (_, value, place) => {
    const error: unknown = await write(value).catch((thrown: unknown) => thrown)
    expect(DroverError.isInstance(error, 'RECORD_REFUSED') && [error.row, error.message]).toEqual([
      1,
      expect.stringContaining(place),
    ])
    expect((await database.client.keys('*')).filter((key) => !key.includes('drover:v1:'))).toEqual([])
  })

  it('is none whose entry has as many fields as a script can add', async () => {
    await write(fieldsOf(3_900))
    expect(await database.client.xlen('a:2')).toBe(1)
  })
})
