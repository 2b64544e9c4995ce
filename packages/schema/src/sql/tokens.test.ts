import { describe, expect, it } from 'vitest'
import { statementsOf, tokensOf } from './tokens.js'

const values = (sql: string, dialect: 'postgres' | 'sqlite') =>
  tokensOf(sql, dialect).map(({ kind, value }) => `${kind}:${value}`)

describe('tokensOf', () => {
  it('knows the quotes of each database', () => {
    expect(values('"a""b" `c``d` [e f]', 'sqlite')).toEqual(['name:a"b', 'name:c`d', 'name:e f'])
    expect(values(`E'it\\'s' $x$a;'b$x$ 'c''d'`, 'postgres')).toEqual(["text:it\\'s", "text:a;'b", "text:c'd"])
    expect(values('a[1]', 'postgres')).toEqual(['word:a', 'symbol:[', 'number:1', 'symbol:]'])
  })

  it('leaves comments out, also nested ones', () => {
    expect(values('SELECT /* a /* b */ c */ 1 -- ;\n, 2', 'postgres')).toEqual([
      'word:select',
      'number:1',
      'symbol:,',
      'number:2',
    ])
    expect(values('SELECT /* a /* b */ 1', 'sqlite')).toEqual(['word:select', 'number:1'])
  })

  it('does not fail on what is not closed', () => {
    expect(values(`SELECT 'a`, 'postgres')).toEqual(['word:select', 'text:a'])
    expect(values('/* a', 'postgres')).toEqual([])
    expect(values('$x$ a', 'postgres')).toEqual(['text: a'])
  })

  it('tells parameters from operators', () => {
    expect(values('a = $1 AND b ? 2', 'postgres')).toContain('parameter:$1')
    expect(values('a = $1 AND b ? 2', 'postgres')).toContain('symbol:?')
    expect(values('a = ? AND b = :c', 'sqlite').filter((each) => each.startsWith('parameter'))).toEqual([
      'parameter:?',
      'parameter:c'.replace('c', ':c'),
    ])
  })
})

describe('statementsOf', () => {
  it('divides at semicolons that are none of a text, a comment or a trigger', () => {
    const script = `CREATE TABLE a (b TEXT DEFAULT ';'); -- c;
CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM a; END;
SELECT 1;;`
    expect(statementsOf(script, 'sqlite')).toEqual([
      `CREATE TABLE a (b TEXT DEFAULT ';')`,
      expect.stringContaining('DELETE FROM a; END'),
      'SELECT 1',
    ])
    expect(statementsOf(`DO $$ BEGIN x; END $$; SELECT 2`, 'postgres')).toEqual(['DO $$ BEGIN x; END $$', 'SELECT 2'])
  })

  it('keeps a trigger whole that speaks of a column called end', () => {
    const trigger = 'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET end = 1; DELETE FROM c; END'
    expect(statementsOf(`${trigger}; SELECT 1`, 'sqlite')).toEqual([trigger, 'SELECT 1'])
  })

  it('keeps the bodies of functions and rules of PostgreSQL whole', () => {
    const body = 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM a; SELECT CASE WHEN true THEN 1 END; END'
    const rule = 'CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM b; DELETE FROM c)'
    expect(statementsOf(`${body}; ${rule}; SELECT 1`, 'postgres')).toEqual([body, rule, 'SELECT 1'])
    expect(statementsOf('BEGIN; SELECT (1); END', 'postgres')).toEqual(['BEGIN', 'SELECT (1)', 'END'])
  })

  it('sees what stands behind a comment that a carriage return ends', () => {
    expect(statementsOf('SELECT 1; -- a\rDROP TABLE b', 'postgres')).toEqual(['SELECT 1', '-- a\rDROP TABLE b'])
    expect(values('-- a\rDROP', 'postgres')).toEqual(['word:drop'])
    expect(values('-- a\rDROP', 'sqlite')).toEqual([])
  })
})
