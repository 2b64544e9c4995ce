import { expect, test } from 'vitest'
import { fileError } from './file-error.js'

test('of a rename the new name is told', () => {
  const system = Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'rename', path: 'tmp/1', dest: 'out/x' })
  expect(fileError(system, 'out cannot be written')).toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringMatching(/^out cannot be written: .* \(EACCES, out\/x\)\.$/),
  })
})
