// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { expect, test } from 'vitest'
import { substituteVariables } from './variables.js'

const env = { HOST: 'db', EMPTY: '', NESTED: '$' + '{HOST}' }

test.each([
  ['${HOST}', 'db'],
  ['postgres://${HOST}:5432/${HOST}', 'postgres://db:5432/db'],
  ['${NONE:-app.db}', 'app.db'],
  ['${NONE:-}', ''],
  ['${EMPTY:-app.db}', 'app.db'],
  ['${EMPTY}', ''],
  ['$${HOST}', '${HOST}'],
  ['$1 and $HOST', '$1 and $HOST'],
  ['${NESTED}', '${HOST}'],
])('%s is %s', (text, expected) => {
  expect(substituteVariables(text, env)).toEqual({ text: expected })
})

test('a variable that is not set is named, with its place', () => {
  expect(substituteVariables('at ${NONE}', env)).toEqual({
    at: 3,
    problem: 'the variable NONE is not set; set it, or say what stands in for it: ${NONE:-default}',
  })
})

test.each(['${', '${}', '${1A}', '${HOST', '${HOST:?}', '${ HOST }'])('%s is no variable', (text) => {
  expect(substituteVariables(text, env)).toMatchObject({ at: 0, problem: expect.stringContaining('no variable') })
})
