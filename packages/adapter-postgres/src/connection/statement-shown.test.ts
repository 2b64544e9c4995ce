import { expect, it } from 'vitest'
import { statementShown } from './statement-shown.js'

it.each([
  [`UPDATE "it's" SET a = 'secret', b = 5`, `UPDATE "it's" SET a = '…', b = 5`],
  [`SELECT E'a\\'secret', 'it''s secret' , x'00'`, `SELECT '…', '…' , '…'`],
  ['SELECT $tag$it is $$ secret$tag$, $1', `SELECT '…', $1`],
  [`SELECT 1 -- secret'\n , /* secret */ 2`, 'SELECT 1 , 2'],
  [`SELECT '{"cut off`, `SELECT '…'`],
  [`SELECT "cut off`, `SELECT "cut off`],
  ['SELECT $$cut off', `SELECT '…'`],
  [`SELECT ${'x'.repeat(400)}`, `SELECT ${'x'.repeat(293)}…`],
])('shows %s without its texts', (sql, shown) => {
  expect(statementShown(sql)).toBe(shown)
})
