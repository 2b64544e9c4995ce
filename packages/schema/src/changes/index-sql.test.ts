import { expect, it } from 'vitest'
import { indexSql } from './index-sql.js'

it('gives parentheses to expressions that need them, and to no other key', () => {
  const keys = (...given: string[]): string =>
    indexSql('t', { name: 'i', columns: given.map((sql) => ({ sql })) }, 'postgres').replace(/^.*ON "t" /, '')
  expect(
    keys('"Odd name" DESC', 'lower(a) COLLATE "C" DESC NULLS LAST', 'pg_catalog.lower(a)', 'a jsonb_path_ops'),
  ).toBe('("Odd name" DESC, lower(a) COLLATE "C" DESC NULLS LAST, pg_catalog.lower(a), a jsonb_path_ops)')
  expect(keys('a + b', 'lower(a) || lower(b)', '(a) || (b)', '(a || b) DESC', 'a IS NULL', "body ->> 'x'")).toBe(
    "((a + b), (lower(a) || lower(b)), ((a) || (b)), (a || b) DESC, (a IS NULL), (body ->> 'x'))",
  )
})
