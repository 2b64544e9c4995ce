// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import Database from 'better-sqlite3'
import { beforeAll, describe, expect, test } from 'vitest'
import { troubles } from '../../../internal/docs-test/src/troubleshooting/entries.js'
import { drover, type Outcome } from './testing/command.js'
import { change, makeMessages, rowsOf } from './testing/messages.js'
import { useFolder } from './testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  symlinkSync(path.resolve(import.meta.dirname, '../node_modules'), 'node_modules')
  makeMessages('app.db', 30, ', token_count INTEGER')
  folder.write(
    'fix.ts',
    'export const broken = (r: { id: number }) => {\n  if (r.id === 20 && process.env.MENDED !== "1") throw new Error("no")\n  return r\n}\n',
  )
})

const backfill = (name: string, more: string, set = 'Math.ceil(content.length / 4)'): string =>
  `import { sqliteBackfill } from '@drover/adapter-sqlite'
export default {
  backfiller: sqliteBackfill<{ content: string }>({
    name: '${name}', filename: 'app.db', table: 'messages', where: { token_count: { isNull: true } },
    reads: ['content'], sets: ['token_count'], set: ({ content }) => ({ token_count: ${set} }), busyTimeoutMs: 50, ${more}
  }),
  maxRetries: 0, batchSize: 10,
}
`
const fromApp = 'source: { type: sqlite, filename: app.db, table: messages }\n'
const pipeline = (name: string, rest: string): string =>
  folder.write(`${name}.yaml`, `name: ${name}\nmaxRetries: 0\nbatchSize: 10\n${rest}`)

/** One after the other; what all of them said. */
async function all(...calls: readonly (readonly [readonly string[], number])[]): Promise<string> {
  let said = ''
  for (const [args, code] of calls) said += text(await drover(args), code)
  return said
}

function text({ code, stdout, stderr }: Outcome, expected: number): string {
  expect(code, stdout + stderr).toBe(expected)
  return stdout + stderr
}

const intoHistory = [
  '--destination',
  'sqlite',
  '--dest-config',
  '{"connection_string": "into.db", "layout": "langchain-sqlite"}',
]

/** How each trouble comes about, and what the command then says. */
const reached: Readonly<Record<string, () => Promise<string>>> = {
  'Script hangs': async () => {
    folder.write('backfill_hangs.ts', backfill('hangs', ''))
    const other = new Database('app.db')
    other.exec('BEGIN IMMEDIATE')
    const said = await all([['backfill', './backfill_hangs.ts', '--state', 'hangs'], 1])
    other.exec('ROLLBACK')
    other.close()
    return said
  },
  'Incorrect estimates': async () => {
    folder.write('backfill_tokens.ts', backfill('tokens', ''))
    folder.write('backfill_tokens2.ts', backfill('tokens', "version: '2',", 'content.split(" ").length'))
    const said = await all(
      [['backfill', './backfill_tokens.ts', '--stop-after', '10'], 130],
      [['backfill', './backfill_tokens2.ts'], 1],
      [['backfill', './backfill_tokens2.ts', '--when-changed', 'restart'], 0],
    )
    expect(rowsOf('app.db', 'SELECT count(*) AS n FROM messages WHERE token_count = 2')).toEqual([{ n: 20 }])
    return said
  },
  'Partial completion': async () => {
    pipeline('partial', `${fromApp}sink: { type: sqlite, filename: partial.db, table: t }\n`)
    return all([['run', 'partial.yaml', '--stop-after', '10'], 130], [['run', 'partial.yaml'], 0])
  },
  'Database connection errors': async () => {
    pipeline(
      'down',
      `${fromApp}sink: { type: postgres, connection: "postgres://app:hunter2@127.0.0.1:1/x", table: t }\n`,
    )
    const said = await all([['run', 'down.yaml'], 1])
    expect(said).toMatch(/127\.0\.0\.1:1/)
    expect(said).not.toContain('hunter2')
    return said
  },
  'Connection Errors': async () => {
    const said = await all([
      [
        'run',
        '--source',
        'redis',
        '--source-config',
        '{"redis_url": "redis://127.0.0.1:1", "layout": "langchain-redis-list"}',
        ...intoHistory,
        '--dry-run',
      ],
      1,
    ])
    expect(said).toMatch(/connectivity {4}source .*: not reached/)
    return said
  },
  'Authentication Failures': async () => {
    await using server = await startQdrantServer({ apiKey: 'hunter2' })
    const said = await all([
      [
        'run',
        '--source',
        'unified',
        '--source-config',
        JSON.stringify({ qdrant_url: server.url, api_key: 'hunter3', collection: 'c' }),
        ...intoHistory,
      ],
      1,
    ])
    expect(said).not.toMatch(/hunter[23]/)
    return said
  },
  'Memory Issues': async () => {
    pipeline('memory', `${fromApp}sink: { type: ndjson, path: memory.out }\nmaxInFlightBytes: 10000\n`)
    return all([['run', 'memory.yaml', '--batch-size', '5'], 0])
  },
  'Data Format Errors': async () => {
    change(
      'history.db',
      `CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT);
       INSERT INTO message_store (session_id, message) VALUES ('s', '{"type":"human","data":{"content":"hi"}}'), ('s', '{"type":')`,
    )
    return all([
      ['run', '--source', 'sqlite', '--source-config', '{"connection_string": "sqlite:///history.db"}', ...intoHistory],
      3,
    ])
  },
  'Debug Mode': async () => {
    pipeline('debug', `${fromApp}sink: { type: ndjson, path: debug.out }\n`)
    return all([['run', 'debug.yaml', '--verbose'], 0])
  },
  'Connection Error: a connection string is not found': async () => {
    pipeline('unset', `${fromApp}sink: { type: postgres, connection: "\${AZURE_CONNECTION_STRING}", table: t }\n`)
    folder.write('unset.env', 'AZURE_CONNECTION_STRING=postgres://127.0.0.1:1/x\n')
    const said = await all([['run', 'unset.yaml'], 2])
    expect(await drover(['check', 'unset.yaml', '--offline', '--env-file', 'unset.env'])).toMatchObject({ code: 0 })
    return said
  },
  'Data Count Mismatch': async () => {
    pipeline('count', `${fromApp}sink: { type: sqlite, filename: count.db, table: t }\n`)
    await all([['run', 'count.yaml'], 0])
    change('count.db', 'DELETE FROM t WHERE id = 7')
    const said = await all([['verify', 'count.yaml'], 1])
    expect(said).toMatch(/1 missing.*\n.*\n.*\n.*\n +missing +7/)
    return said
  },
  'Validation Failures': async () => {
    pipeline('differs', `${fromApp}sink: { type: sqlite, filename: differs.db, table: t, onConflict: update }\n`)
    await all([['run', 'differs.yaml'], 0])
    change('differs.db', "UPDATE t SET role = 'nobody' WHERE id = 7")
    const said = await all([['verify', 'differs.yaml'], 1])
    await all([['run', 'differs.yaml', '--again', 'full'], 0], [['verify', 'differs.yaml'], 0])
    return said
  },
  'If Migration Fails Midway': async () => {
    pipeline(
      'midway',
      `${fromApp}transform: [{ module: ./fix.ts#broken }]\nsink: { type: sqlite, filename: midway.db, table: t }\n`,
    )
    const said = await all([['run', 'midway.yaml'], 1])
    expect(rowsOf('midway.db', 'SELECT count(*) AS n FROM t')).toEqual([{ n: 10 }])
    return said + (await mended(() => all([['run', 'midway.yaml'], 0])))
  },
  'If Data Loss Suspected': async () => {
    change(
      'kept.db',
      "CREATE TABLE t (id INTEGER PRIMARY KEY, role TEXT, content TEXT, token_count INTEGER); INSERT INTO t VALUES (7, 'mine', 'kept', 1)",
    )
    pipeline('taken', `${fromApp}sink: { type: sqlite, filename: kept.db, table: t, onConflict: update, undo: true }\n`)
    const said = await all([['run', 'taken.yaml'], 0], [['undo', 'taken.yaml'], 0])
    expect(rowsOf('kept.db', 'SELECT * FROM t')).toEqual([{ id: 7, role: 'mine', content: 'kept', token_count: 1 }])
    return said
  },
  "Can't locate revision identified by…": async () => {
    pipeline(
      'known',
      `${fromApp}sink: { type: ndjson, path: known.out }\nstate: { type: directory, directory: runs }\n`,
    )
    const said = await all([['run', 'known.yaml'], 0], [['status', 'knwon', '--state', 'runs'], 2])
    expect(said).toContain('did you mean "known"')
    return said
  },
  'Target database is not up to date': async () => {
    folder.write('backfill_early.ts', backfill('early', '').replaceAll('token_count', 'not_yet'))
    return all([['backfill', './backfill_early.ts'], 2])
  },
  'Multiple head revisions present': async () => {
    folder.write('backfill_first.ts', backfill('first', ''))
    folder.write('backfill_second.ts', backfill('second', ''))
    folder.write(
      'order.yaml',
      'backfills:\n  - ./backfill_first.ts\n  - { module: ./backfill_second.ts, dependsOn: [first] }\n',
    )
    const [first, second] = ['first', 'second'].map((name) => ['backfill', name, '-f', 'order.yaml'])
    return all([second ?? [], 1], [first ?? [], 0], [second ?? [], 0])
  },
  'Migration fails mid-way': async () => {
    change('app.db', 'UPDATE messages SET token_count = NULL')
    folder.write(
      'backfill_fails.ts',
      backfill(
        'fails',
        '',
        "content.endsWith(' 20') && process.env.MENDED !== '1' ? JSON.parse('no') : content.length",
      ),
    )
    const said = await all([['backfill', './backfill_fails.ts'], 1])
    expect(rowsOf('app.db', 'SELECT count(token_count) AS n FROM messages')).toEqual([{ n: 10 }])
    return said + (await mended(() => all([['backfill', './backfill_fails.ts'], 0])))
  },
  "Autogenerate doesn't detect changes": async () => {
    change('narrow.db', 'CREATE TABLE t (id INTEGER PRIMARY KEY, role TEXT)')
    pipeline('narrow', `${fromApp}sink: { type: sqlite, filename: narrow.db, table: t }\n`)
    const said = await all([['run', 'narrow.yaml'], 1])
    expect(said).toContain('content')
    return said
  },
  'Migration corrupts database': async () => {
    folder.write('torn.db', 'SQLite format 3\0'.padEnd(4096, 'x'))
    pipeline('torn', `source: { type: sqlite, filename: torn.db, table: t }\nsink: { type: ndjson, path: torn.out }\n`)
    return all([['run', 'torn.yaml'], 1])
  },
  'Foreign Key Constraint Violations': async () => {
    change(
      'keys.db',
      "CREATE TABLE roles (role TEXT PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, role TEXT REFERENCES roles, content TEXT, token_count INTEGER); INSERT INTO roles VALUES ('user')",
    )
    pipeline('keys', `${fromApp}sink: { type: sqlite, filename: keys.db, table: t }\n`)
    return all([['run', 'keys.yaml'], 1])
  },
  'JSON Parsing Errors': async () => {
    folder.write('rows.ndjson', '{"id":1,"metadata":"{\\"a\\":1}"}\n{"id":2,"metadata":"{a:"}\n')
    pipeline(
      'parsing',
      'source: { type: ndjson, path: rows.ndjson, key: id }\ntransform: [{ type: add-metadata }]\nsink: { type: ndjson, path: parsing.out }\nmaxRejected: 1\n',
    )
    return all([['run', 'parsing.yaml'], 3])
  },
}

async function mended(act: () => Promise<string>): Promise<string> {
  process.env.MENDED = '1'
  try {
    return await act()
  } finally {
    delete process.env.MENDED
  }
}

const slow = 'Performance Degradation'
const forbidden = 'Permission Error: Forbidden'

/** What the page promises of a trouble. */
function expectSaid(trouble: string, said: string): void {
  const { codes, says = [] } = troubles.find((one) => one.trouble === trouble) ?? { codes: [] }
  expect(codes.length + says.length, trouble).toBeGreaterThan(0)
  for (const part of [...codes, ...says]) expect(said).toContain(part)
}

test('every trouble of the page is brought about here', () => {
  expect([...Object.keys(reached), forbidden, slow].toSorted()).toEqual(
    troubles.map(({ trouble }) => trouble).toSorted(),
  )
})

describe('docs/troubleshooting.md', () => {
  test.each(Object.keys(reached))('%s', async (trouble) => {
    expectSaid(trouble, (await reached[trouble]?.()) ?? '')
  })
})

describePostgres('docs/troubleshooting.md with PostgreSQL', () => {
  const database = useDatabase()

  test(forbidden, async () => {
    await database.query("CREATE ROLE reader_of_troubles LOGIN PASSWORD 'hunter2'")
    const url = new URL(database.url)
    Object.assign(url, { username: 'reader_of_troubles', password: 'hunter2' })
    pipeline('denied', `${fromApp}sink: { type: postgres, connection: "${url.href}", table: t }\n`)
    try {
      const said = await all([['run', 'denied.yaml'], 1])
      expectSaid(forbidden, said)
      expect(said).not.toContain('hunter2')
    } finally {
      await database.query('DROP ROLE reader_of_troubles')
    }
  })

  test(slow, async () => {
    await database.query('CREATE TABLE t (id int PRIMARY KEY, role text, content text, token_count int)')
    await database.query('CREATE INDEX by_role ON t (role)')
    pipeline('indexed', `${fromApp}sink: { type: postgres, connection: "\${URL}", table: t, indexes: after-always }\n`)
    process.env.URL = database.url
    const said = await all([['run', 'indexed.yaml', '--stop-after', '10'], 130], [['run', 'indexed.yaml'], 0])
    delete process.env.URL
    expect(await database.query("SELECT count(*)::int AS n FROM pg_indexes WHERE tablename = 't'")).toEqual([{ n: 2 }])
    expectSaid(slow, said)
  })
})
