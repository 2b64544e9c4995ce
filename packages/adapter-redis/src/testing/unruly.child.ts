import { Redis } from 'ioredis'

/**
 * An application that uses its keys, until it is killed: deletes them, lets them expire, and makes them anew with another type. It counts in `rounds`, each of
 * which is fifty of 2,000 keys. URL and prefix.
 */
const [url = '', prefix = ''] = process.argv.slice(2)
const client = new Redis(url)
let at = 0
const random = (most: number): number => Math.floor(Math.random() * most)
process.stdout.write('ready\n')
for (;;) {
  const pipeline = client.pipeline()
  for (let i = 0; i < 50; i++) {
    const key = `${prefix}${at++ % 2_000}`
    pipeline.del(key)
    switch (random(6)) {
      case 0:
        pipeline.set(key, 'a string')
        break
      case 1:
        pipeline.hset(key, { field: 'of a hash' })
        break
      case 2:
        pipeline.rpush(key, 'of a list', 'twice')
        break
      case 3:
        pipeline.set(key, 'for a moment', 'PX', 1 + random(20))
        break
      case 4:
        pipeline.xadd(key, '*', 'field', 'of a stream')
        break
      default:
    }
  }
  await pipeline.incr('rounds').exec()
}
