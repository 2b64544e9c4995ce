// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { drover, events } from '../testing/command.js'
import { change, makeMessages, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('chat.db', 50)
  folder.write(
    'embed.ts',
    `export const calls: number[] = []
export const embed = async (texts: string[]) => {
  if (process.env.NO_EMBEDDER) throw new Error('the embedder was called')
  return texts.map((text) => [text.length, 1, 0])
}
export const short = async (texts: string[]) => texts.map(() => [1, 0])
export const nan = async (texts: string[]) => texts.map(() => [1, Number.NaN, 0])
`,
  )
})

const fromSqlite = 'source: { type: sqlite, filename: chat.db, table: messages }\n'

describe('the command with points of Qdrant', () => {
  const qdrant = useQdrant()
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    QDRANT_URL: qdrant.url,
    ...(qdrant.apiKey === undefined ? {} : { QDRANT_API_KEY: qdrant.apiKey }),
    ...more,
  })
  const sink = (collection: string, rest = '') =>
    `sink: { type: qdrant, url: "\${QDRANT_URL}", collection: ${collection}, embedder: ./embed.ts#embed, embedText: content, create: { vectors: { size: 3, distance: Dot } }${rest} }\n`

  test('writes points with vectors of a function of its own, reads them, and verifies', async () => {
    const collection = qdrant.collection()
    folder.write('in.yaml', `name: in\n${fromSqlite}${sink(collection)}`)
    expect(await drover(['run', 'in.yaml', '--verbose'], env())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('50 read = 50 written'),
      stderr: expect.stringMatching(
        /batch 1 of all: 50 read = 50 written \+ 0 filtered \+ 0 rejected; \d+ bytes in \d+ ms; cursor /,
      ),
    })
    expect((await qdrant.client.getCollection(collection)).points_count).toBe(50)
    folder.write(
      'out.yaml',
      `name: out\nsource: { type: qdrant, url: "\${QDRANT_URL}", collection: ${collection}, where: { payload.role: { eq: debug } } }\ntransform:\n  - module: ./flat.ts\nsink: { type: sqlite, filename: out.db, table: points }\n`,
    )
    folder.write(
      'flat.ts',
      'export default ({ id, payload, vector }: any) => ({ id, content: payload.content, first: vector[0] })\n',
    )
    expect(await drover(['run', 'out.yaml'], env())).toMatchObject({ code: 0 })
    expect(rowsOf('out.db', 'SELECT count(*) AS n, max(first) AS longest FROM points')).toEqual([{ n: 5, longest: 10 }])
  })

  test('embeds nothing in a dry run, and creates nothing', async () => {
    const collection = qdrant.collection()
    folder.write('dry.yaml', `name: dry\n${fromSqlite}${sink(collection)}`)
    const { code, stdout } = await drover(['run', 'dry.yaml', '--dry-run'], env())
    expect([code, stdout]).toEqual([0, expect.stringContaining('total records   50')])
    expect(stdout).toMatch(/connectivity {4}source .*: reached\n +destination .*: reached/)
    expect((await qdrant.client.collectionExists(collection)).exists).toBe(false)
  })

  test.each([
    ['another dimension', 'short', '', 'SINK_NOT_READY', /vectors of 3 numbers, and a vector that embed made has 2/],
    ['a NaN', 'nan', '', 'CONTRACT_BROKEN|RECORD_REJECTED', /NaN|number/],
  ])('an embedder that answers with %s', async (_, name, rest, code, said) => {
    const collection = qdrant.collection()
    folder.write('bad.yaml', `name: bad-${name}\n${fromSqlite}${sink(collection, rest).replace('#embed', `#${name}`)}`)
    const failed = await drover(['run', 'bad.yaml'], env())
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(new RegExp(code))])
    expect(failed.stderr).toMatch(said)
  })

  test('a collection of another size or distance is refused before anything is written', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: { size: 4, distance: 'Dot' } })
    folder.write('size.yaml', `name: size\n${fromSqlite}${sink(collection)}`)
    const { code, stderr } = await drover(['run', 'size.yaml'], env())
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SINK_NOT_READY/)])
    expect(stderr).toMatch(/3.*4|4.*3/s)
    expect((await qdrant.client.getCollection(collection)).points_count).toBe(0)
  })

  test('a collection that is not there is named', async () => {
    folder.write(
      'none.yaml',
      'name: none\nsource: { type: qdrant, url: "${QDRANT_URL}", collection: nope }\nsink: { type: ndjson, path: x }\n',
    )
    const { code, stderr } = await drover(['run', 'none.yaml'], env())
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SOURCE_NOT_FOUND: .*"nope"/)])
  })

  test('an id that is neither u64 nor UUID is refused by its record', async () => {
    const collection = qdrant.collection()
    change(
      'chat.db',
      "CREATE TABLE IF NOT EXISTS odd (id TEXT PRIMARY KEY, content TEXT); INSERT OR REPLACE INTO odd VALUES ('not-an-id', 'x')",
    )
    folder.write(
      'odd.yaml',
      `name: odd\nsource: { type: sqlite, filename: chat.db, table: odd }\n${sink(collection, ', id: record')}`,
    )
    const { code, stdout } = await drover(['run', 'odd.yaml', '--max-rejected', '1', '--json'], env())
    const rejected = events(stdout).find(({ event }) => event === 'record:rejected')
    expect([code, rejected]).toEqual([3, expect.objectContaining({ message: expect.stringContaining('not-an-id') })])
  })

  test('a model without a key is refused before anything opens', async () => {
    folder.write(
      'model.yaml',
      `name: model\n${fromSqlite}${sink('x').replace('embedder: ./embed.ts#embed', 'embeddingModel: text-embedding-3-small')}`,
    )
    const { code, stderr } = await drover(
      ['run', 'model.yaml'],
      env({ OPENAI_API_KEY: '', QDRANT_URL: 'http://127.0.0.1:1' }),
    )
    expect([code, stderr]).toEqual([2, expect.stringMatching(/model\.yaml:3:\d+: .*OPENAI_API_KEY is not set/)])
  })
})

describe('a server that is not as it should be', () => {
  test('a wrong key, and a port where nobody is, are told without the key', async () => {
    await using server = await startQdrantServer({ apiKey: 'hunter2' })
    const yaml =
      'name: bad\nsource: { type: qdrant, url: "${QDRANT_URL}", apiKey: "${KEY}", collection: c }\nsink: { type: ndjson, path: x }\nmaxRetries: 0\n'
    folder.write('denied.yaml', yaml)
    const denied = await drover(['run', 'denied.yaml'], { QDRANT_URL: server.url, KEY: 'hunter3' })
    expect([denied.code, denied.stderr]).toEqual([1, expect.stringMatching(/STORE_DENIED: .*key/i)])
    expect(denied.stdout + denied.stderr).not.toMatch(/hunter[23]/)
    const gone = await drover(['run', 'denied.yaml'], { QDRANT_URL: 'http://127.0.0.1:1', KEY: 'hunter3' })
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/STORE_UNAVAILABLE: .*127\.0\.0\.1:1/)])
  })
})
