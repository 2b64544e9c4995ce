import { describe, expect, it } from 'vitest'
import type { Catalog } from '../contracts/catalog.js'
import type { Dialect, Migration } from '../contracts/migration.js'
import type { RecordedStep } from '../contracts/steps.js'
import { type LintFacts, lint, refusedOf } from './lint.js'
import { isWider } from './rules.js'

const step = (sql: string, by?: string): RecordedStep => ({ kind: 'sql', sql, ...(by === undefined ? {} : { by }) })
const revision = (more: Partial<Migration> = {}): Migration => ({ id: '001_x', up: () => {}, ...more })

function found(
  sql: string | readonly RecordedStep[],
  dialect: Dialect = 'postgres',
  facts?: LintFacts,
  more?: Partial<Migration>,
): string[] {
  const steps = typeof sql === 'string' ? [step(sql)] : sql
  return lint(revision(more), steps, dialect, facts).map(({ rule, severity }) => `${severity} ${rule}`)
}

describe('lint on PostgreSQL', () => {
  it.each([
    ['ALTER TABLE calls DROP COLUMN a', 'refuse column-dropped'],
    ['ALTER TABLE ONLY "chat"."calls" DROP IF EXISTS a CASCADE', 'refuse column-dropped'],
    ['DROP TABLE IF EXISTS calls', 'refuse table-dropped'],
    ['TRUNCATE calls', 'refuse truncated'],
    ['ALTER TABLE calls RENAME COLUMN a TO b', 'refuse column-renamed'],
    ['ALTER TABLE calls RENAME TO b', 'refuse table-renamed'],
    ['ALTER TABLE calls ALTER COLUMN a TYPE bigint USING a::bigint', 'refuse type-changed'],
    ['ALTER TABLE calls ALTER a SET NOT NULL', 'refuse not-null-unchecked'],
    ['ALTER TABLE calls ADD COLUMN a integer NOT NULL', 'refuse not-null-unchecked'],
    ['ALTER TABLE calls ADD a uuid DEFAULT gen_random_uuid()', 'refuse volatile-default'],
    ['ALTER TABLE calls ADD COLUMN a bigserial', 'refuse volatile-default'],
    ['ALTER TABLE calls ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED', 'refuse volatile-default'],
    ['CREATE UNIQUE INDEX i ON calls (a)', 'refuse index-not-concurrent'],
    ['DROP INDEX i', 'warn index-dropped-not-concurrently'],
    ['ALTER TABLE calls ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES b (c)', 'refuse foreign-key-validated-at-once'],
    ['ALTER TABLE calls ADD CONSTRAINT k CHECK (a > 0)', 'refuse check-validated-at-once'],
    ['ALTER TABLE calls ADD CONSTRAINT k UNIQUE (a)', 'refuse unique-constraint-at-once'],
    ['UPDATE calls SET a = 1', 'warn rows-changed-at-once'],
    ['DELETE FROM calls WHERE a = 1', 'warn rows-changed-at-once'],
    ['VACUUM FULL calls', 'refuse table-rebuilt'],
    ['DO $$ BEGIN DROP TABLE calls; END $$', 'warn unknown-statement'],
    ['WITH old AS (SELECT 1) UPDATE calls SET a = 1', 'warn rows-changed-at-once'],
    ['WITH old AS (DELETE FROM calls RETURNING *) INSERT INTO b SELECT * FROM old', 'warn rows-changed-at-once'],
    ['MERGE INTO calls USING b ON a = c WHEN MATCHED THEN UPDATE SET a = 1', 'warn rows-changed-at-once'],
    ['INSERT INTO calls SELECT * FROM b ON CONFLICT (a) DO UPDATE SET a = 1', 'warn rows-changed-at-once'],
    ['EXPLAIN (ANALYZE) DELETE FROM calls', 'warn unknown-statement'],
    ['ALTER TABLE IF EXISTS ONLY chat.calls * ADD b int, DROP COLUMN a', 'refuse column-dropped'],
    ['ALTER TABLE calls ADD COLUMN a int UNIQUE', 'refuse unique-constraint-at-once'],
    ['ALTER TABLE calls ADD a int CHECK (a > 0)', 'refuse check-validated-at-once'],
    ['ALTER TABLE calls ADD a int DEFAULT 1 REFERENCES b', 'refuse foreign-key-validated-at-once'],
    ['ALTER TABLE calls ADD CONSTRAINT k NOT NULL a', 'refuse not-null-unchecked'],
    ['ALTER TABLE calls SET UNLOGGED', 'refuse table-rebuilt'],
    ['ALTER TABLE calls ALTER a SET EXPRESSION AS (b + 1)', 'refuse table-rebuilt'],
    ['ALTER TABLE calls SET SCHEMA old', 'refuse table-renamed'],
    ['ALTER VIEW calls RENAME TO b', 'refuse table-renamed'],
    ['ALTER TABLE calls ATTACH PARTITION b DEFAULT', 'warn locks-out'],
    ['ALTER TABLE calls DETACH PARTITION b', 'warn locks-out'],
    ['REINDEX (VERBOSE) TABLE calls', 'refuse locks-out'],
    ['REFRESH MATERIALIZED VIEW calls', 'warn locks-out'],
    ['LOCK TABLE ONLY calls IN ACCESS EXCLUSIVE MODE', 'warn locks-out'],
    ['DROP SCHEMA IF EXISTS chat CASCADE', 'refuse table-dropped'],
    ['DROP OWNED BY somebody', 'refuse column-dropped'],
    ['DROP TYPE mood CASCADE', 'refuse column-dropped'],
    ['DROP MATERIALIZED VIEW v CASCADE', 'warn unknown-statement'],
    ['ALTER TABLE calls DROP CONSTRAINT k', 'warn constraint-dropped'],
    ['ALTER TABLE calls ADD COLUMN a json', 'warn json-column'],
  ])('%s', (sql, verdict) => {
    expect(found(sql)).toEqual([verdict])
  })

  it.each([
    'ALTER TABLE calls ADD COLUMN a integer NOT NULL DEFAULT 0',
    "ALTER TABLE calls ADD COLUMN a timestamptz DEFAULT now() NOT NULL, ADD COLUMN b text DEFAULT 'random()'",
    'CREATE INDEX CONCURRENTLY i ON calls (a)',
    'ALTER TABLE calls ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES b (c) NOT VALID',
    'ALTER TABLE calls ADD CONSTRAINT k CHECK (a > 0) NOT VALID',
    'ALTER TABLE calls ADD CONSTRAINT k PRIMARY KEY USING INDEX i',
    'ALTER TABLE calls VALIDATE CONSTRAINT k',
    'INSERT INTO calls VALUES (1)',
    "INSERT INTO calls VALUES (1, 'select') ON CONFLICT (a) DO UPDATE SET a = 2",
    'WITH a AS (SELECT 1 FROM b FOR UPDATE) INSERT INTO calls SELECT * FROM a',
    'ALTER TABLE calls ADD COLUMN a int REFERENCES b ON DELETE SET NULL',
    'ALTER TABLE calls DETACH PARTITION b CONCURRENTLY',
    'REINDEX INDEX CONCURRENTLY i',
    'SELECT a INTO b FROM calls',
    'DROP VIEW v',
    'DROP SCHEMA empty',
    "COMMENT ON TABLE calls IS 'DROP TABLE calls'",
    'CREATE VIEW v AS SELECT 1',
  ])('says nothing of %s', (sql) => {
    expect(found(sql)).toEqual([])
  })

  it('finds each of several changes of one statement', () => {
    expect(found('ALTER TABLE calls DROP COLUMN a, ALTER COLUMN b SET NOT NULL, ADD CHECK (c > 0)')).toEqual([
      'refuse column-dropped',
      'refuse not-null-unchecked',
      'refuse check-validated-at-once',
    ])
  })

  it('leaves alone what the revision has made, also under its new name', () => {
    expect(
      found([
        step('CREATE TABLE calls (a int)'),
        step('CREATE INDEX i ON calls (a)'),
        step('ALTER TABLE public.calls RENAME TO telephone'),
        step('ALTER TABLE telephone ALTER a SET NOT NULL'),
        step('UPDATE telephone SET a = 1'),
      ]),
    ).toEqual([])
  })

  it('bears NOT NULL behind a validated check, and only then', () => {
    const check = step('ALTER TABLE calls ADD CONSTRAINT k CHECK ("a" IS NOT NULL) NOT VALID')
    const set = step('ALTER TABLE calls ALTER COLUMN a SET NOT NULL')
    expect(found([check, step('ALTER TABLE calls VALIDATE CONSTRAINT k'), set])).toEqual([])
    expect(found([check, set])).toEqual(['refuse not-null-unchecked'])
  })

  it('bears what was archived before', () => {
    const archived = step('CREATE TABLE calls_archive AS SELECT * FROM calls', 'archiveTable calls')
    expect(found([archived, step('ALTER TABLE calls DROP COLUMN a'), step('DROP TABLE calls')])).toEqual([])
    expect(found([step('DROP TABLE calls'), archived])).toEqual(['refuse table-dropped'])
  })

  it('refuses a value of an enum that is used where it is added', () => {
    const steps = [step("ALTER TYPE mood ADD VALUE 'odd'"), step("INSERT INTO calls VALUES ('odd')")]
    expect(found(steps)).toEqual(['refuse enum-value-used-at-once'])
    expect(found(steps, 'postgres', undefined, { transaction: 'none' })).toEqual([])
  })

  it('takes what the database says into account', () => {
    const table = {
      primaryKey: [],
      uniques: [],
      checks: [{ expression: '(b IS NOT NULL)', isValid: true }],
      foreignKeys: [],
      indexes: [],
    }
    const columns = [{ name: 'a', type: 'character varying(20)', isNullable: true }]
    const catalog: Catalog = {
      dialect: 'postgres',
      tables: [{ name: 'calls', columns, ...table }],
      views: [],
      triggers: [],
      enums: [],
      sequences: [],
      others: [],
    }
    const facts = (rows: number): LintFacts => ({ catalog, rows: new Map([['calls', rows]]) })
    expect(found('ALTER TABLE calls ALTER a TYPE varchar(30)', 'postgres', facts(9))).toEqual([])
    expect(found('ALTER TABLE calls ALTER a TYPE varchar(10)', 'postgres', facts(9))).toEqual(['refuse type-changed'])
    expect(found('ALTER TABLE calls ALTER b SET NOT NULL', 'postgres', facts(9))).toEqual([])
    expect(found('UPDATE calls SET a = 1', 'postgres', facts(9))).toEqual([])
    expect(found('UPDATE calls SET a = 1', 'postgres', facts(100_000))).toEqual(['refuse rows-changed-at-once'])
    expect(found('DROP TABLE calls', 'postgres', facts(0))).toEqual([])
  })

  it('is satisfied by an assurance of the author, or by who runs it', () => {
    const migration = revision({ assured: { 'table-dropped': 'it was a try' } })
    const findings = lint(migration, [step('DROP TABLE calls'), step('CREATE INDEX i ON other (a)')], 'postgres')
    expect(findings[0]).toMatchObject({ rule: 'table-dropped', assured: 'it was a try', step: 0 })
    expect(refusedOf(findings).map(({ rule }) => rule)).toEqual(['index-not-concurrent'])
    expect(refusedOf(findings, ['index-not-concurrent'])).toEqual([])
  })

  it('only warns of renaming where the revision says that it breaks', () => {
    expect(found('ALTER TABLE calls RENAME a TO b', 'postgres', undefined, { breaking: true })).toEqual([
      'warn column-renamed',
    ])
  })
})

describe('a rebuild that only the database can say', () => {
  const rebuild: RecordedStep = { kind: 'unseen', about: 'follows from the table', by: 'rebuildTable workers' }

  it('is judged as one that can be seen', () => {
    expect(found([rebuild])).toEqual(['refuse table-rebuilt'])
    expect(found([step('CREATE TABLE workers (a int)'), rebuild])).toEqual([])
    expect(found([step('DELETE FROM planners WHERE id = 1'), rebuild], 'sqlite')).toContain(
      'refuse foreign-keys-off-with-changes',
    )
  })
})

describe('lint on SQLite', () => {
  it('knows what is lost, and bears what locks the one file anyway', () => {
    expect(found('ALTER TABLE calls DROP COLUMN a', 'sqlite')).toEqual(['refuse column-dropped'])
    expect(found('CREATE INDEX i ON calls (a)', 'sqlite')).toEqual([])
    expect(found('ALTER TABLE calls ADD COLUMN a TEXT', 'sqlite')).toEqual([])
  })

  it('refuses changes of rows while foreign keys are off', () => {
    const steps = [
      step('DELETE FROM planners WHERE id = 1'),
      step('CREATE TABLE n (a)', 'rebuildTable workers'),
      step('DROP TABLE workers', 'rebuildTable workers'),
    ]
    expect(found(steps, 'sqlite')).toEqual([
      'refuse foreign-keys-off-with-changes',
      'warn rows-changed-at-once',
      'warn table-rebuilt',
    ])
  })
})

it.each([
  ['character varying(20)', 'text', true],
  ['character varying(20)', 'varchar(20)', true],
  ['text', 'varchar(20)', false],
  ['numeric(10,2)', 'numeric(12,2)', true],
  ['numeric(10,2)', 'numeric', true],
  ['numeric(10,2)', 'numeric(12,3)', false],
  ['integer', 'bigint', false],
])('%s to %s is wider: %s', (from, to, isSo) => {
  expect(isWider(from, to)).toBe(isSo)
})

it('knows helpers by the whole name of their table', () => {
  const archived = [step('CREATE TABLE a AS SELECT * FROM b', 'archiveTable my calls'), step('DROP TABLE my')]
  expect(found(archived, 'sqlite')).toEqual(['refuse table-dropped'])
  expect(found([...archived.slice(0, 1), step('DROP TABLE "my calls"')], 'sqlite')).toEqual([])
})

it('takes a table for new only while it is sure to be the one that was made', () => {
  expect(found([step('CREATE TABLE IF NOT EXISTS calls (a int)'), step('DROP TABLE calls')])).toEqual([
    'refuse table-dropped',
  ])
  const swapped = [
    'CREATE TABLE n (a int)',
    'ALTER TABLE n RENAME TO m',
    'ALTER TABLE calls RENAME TO n',
    'DROP TABLE n',
  ]
  expect(found(swapped.map((sql) => step(sql)))).toEqual(['refuse table-renamed', 'refuse table-dropped'])
})
