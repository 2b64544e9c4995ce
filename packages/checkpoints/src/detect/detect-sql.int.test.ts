import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type Database } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres'
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkpointSource } from '../checkpoint-source.js'
import { detectLayouts } from '../detect-layouts.js'
import { runSqlite } from '../layouts/langchain/testing/run-sqlite.js'
import { agentGraph, beginThread } from '../layouts/sql/testing/agent-graph.js'
import { copyStore, restore } from '../layouts/sql/testing/fixtures.js'
import { migrate } from '../layouts/sql/testing/migrate.js'
import type { StorePlace } from '../layouts/store-place.js'
import { readRecords } from '../testing/read-records.js'

const history = (name: string) => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)`

describe('what is found in an SQLite file', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-detect-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true })
  })

  const file = async (name: string, ...statements: string[]): Promise<StorePlace> => {
    const filename = join(folder, name)
    await runSqlite(filename, ...statements)
    return { type: 'sqlite', filename }
  }

  it("is Python's by its values, and JavaScript's by them", async () => {
    const python = join(folder, 'python.db')
    await copyStore('sqlite', python)
    expect(await detectLayouts({ type: 'sqlite', filename: python })).toEqual([
      { layout: 'langgraph-sqlite', where: 'the tables checkpoints and writes' },
    ])
    const js = join(folder, 'js.db')
    await beginThread(agentGraph(SqliteSaver.fromConnString(js)), 'a', 'Hello?')
    expect(await detectLayouts({ type: 'sqlite', filename: js })).toMatchObject([{ layout: 'langgraph-js-sqlite' }])
    const { records } = await readRecords(checkpointSource({ place: { type: 'sqlite', filename: js } }))
    expect(records).toHaveLength(5)
  })

  it('is a chat history under either of its names, and a question where both are there', async () => {
    const one = await file('one.db', history('message_store'))
    expect(await detectLayouts(one)).toMatchObject([
      { layout: 'langchain-sqlite', options: { table: 'message_store' } },
    ])
    const both = await file('both.db', history('message_store'), history('chat_message_history'))
    await expect(opened(both)).rejects.toThrow(
      /^.*both\.db holds .*table "message_store".* Say which is meant with the option table \(table_name in the file of a migration\)\.$/,
    )
    const { records } = await readRecords(checkpointSource({ place: both, table: 'message_store' }))
    expect(records).toEqual([])
  })

  it('is a question where checkpoints and a history are there', async () => {
    const filename = join(folder, 'two.db')
    await copyStore('sqlite', filename)
    await file('two.db', history('message_store'))
    const place: StorePlace = { type: 'sqlite', filename }
    await expect(opened(place)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(
        /"langgraph-sqlite" \(.*\) and "langchain-sqlite" \(.*\)\. Say which is meant with the option layout\.$/,
      ),
    })
    expect((await readRecords(checkpointSource({ place, layout: 'langgraph-sqlite' }))).records).toHaveLength(18)
    expect((await readRecords(checkpointSource({ place, table: 'message_store' }))).records).toEqual([])
  })

  it('is nothing where other tables are there, and what was looked for is said', async () => {
    const place = await file('other.db', 'CREATE TABLE checkpoints (id INTEGER, lap TEXT)')
    await expect(opened(place)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringMatching(/nothing of langgraph-sqlite.*chat_message_history or message_store/),
    })
    await expect(opened(place, { layout: 'langgraph-sqlite' })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    await expect(opened({ type: 'sqlite', filename: join(folder, 'missing.db') })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    })
  })

  it("is an older library's where columns are missing", async () => {
    const old = await file(
      'old.db',
      'CREATE TABLE checkpoints (thread_id TEXT, thread_ts TEXT, parent_ts TEXT, checkpoint BLOB, metadata BLOB)',
    )
    await expect(opened(old)).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(
        /checkpoints\.checkpoint_ns.* of an older library\. Open the file once with a current SqliteSaver/,
      ),
    })
  })
})

describePostgres('what is found in a PostgreSQL database', () => {
  const databases: Database[] = []
  const fresh = async (): Promise<Database> => {
    const database = await createDatabase(serverUrl())
    databases.push(database)
    return database
  }
  const place = ({ url }: Database): StorePlace => ({ type: 'postgres', connection: url })
  afterAll(async () => {
    for (const database of databases) await database[Symbol.asyncDispose]()
  })

  it("is Python's, its shallow saver's, or JavaScript's, in the schema that is named", async () => {
    const [python, shallow, js] = [await fresh(), await fresh(), await fresh()]
    await restore('postgres', python)
    await restore('postgres-shallow', shallow)
    const saver = PostgresSaver.fromConnString(js.url, { schema: 'agents' })
    await saver.setup()
    await beginThread(agentGraph(saver), 'a', 'Hello?')
    await saver.end()
    expect(await detectLayouts(place(python))).toMatchObject([{ layout: 'langgraph-postgres' }])
    expect(await detectLayouts(place(shallow))).toMatchObject([{ layout: 'langgraph-postgres-shallow' }])
    expect(await detectLayouts(place(js))).toEqual([])
    expect(await detectLayouts(place(js), { schema: 'agents' })).toMatchObject([
      { layout: 'langgraph-js-postgres', options: { schema: 'agents' } },
    ])
    expect((await readRecords(checkpointSource({ place: place(js), schema: 'agents' }))).records).toHaveLength(5)
    await expect(opened(place(python), { layout: 'langgraph-js-postgres' })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('are of the layout "langgraph-postgres", and not of "langgraph-js-postgres"'),
    })
  })

  it('is not read at an older or a newer migration, and what to do is said', async () => {
    const database = await fresh()
    await restore('postgres', database)
    await database.query('INSERT INTO checkpoint_migrations VALUES (10)')
    await expect(opened(place(database))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(
        /checkpoint_migrations is at 10, .* up to migration 9: they belong to a newer library\. Update Drover\.$/,
      ),
    })
    await database.query(
      'DELETE FROM checkpoint_migrations WHERE v > 8; ALTER TABLE checkpoint_writes DROP COLUMN task_path',
    )
    await expect(opened(place(database))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(
        /is at 8, an older .* checkpoint_writes\.task_path is not there\. Call setup\(\) of a PostgresSaver/,
      ),
    })
  })

  it('is not written to where something else is there', async () => {
    const database = await fresh()
    await restore('postgres-shallow', database)
    const source = await fresh()
    await restore('postgres', source)
    await expect(
      migrate(['langgraph-postgres', place(source)], ['langgraph-postgres', place(database)]),
    ).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('the layout "langgraph-postgres-shallow" is there'),
    })
  })
})

async function opened(
  place: StorePlace,
  options: { layout?: 'langgraph-sqlite' | 'langgraph-js-postgres' } = {},
): Promise<void> {
  const { signal } = new AbortController()
  await using session = await checkpointSource({ place, ...options }).connect({ signal })
  await session.describe({ signal })
}
