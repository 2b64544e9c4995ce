import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { DroverError } from '../errors/drover-error.js'
import { tempFolder } from '../files/testing/temp-folder.js'
import { makeFolder } from './durable.js'
import { fileError } from './file-error.js'

test('of a rename the new name is told', () => {
  const system = Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'rename', path: 'tmp/1', dest: 'out/x' })
  expect(fileError(system, 'out cannot be written')).toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringMatching(/^out cannot be written: .* \(EACCES, out\/x\)\.$/),
  })
})

const ofFailed = (work: Promise<unknown>): Promise<DroverError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => fileError(error, 'The state could not be written'),
  )

test.each(['', '/.drover', '/.drover/tmp'])(
  'a file where a folder should be is named, and nobody is told to delete it: <file>%s',
  async (below) => {
    const file = `${tempFolder()}/export`
    writeFileSync(file, 'of the user')
    const error = await ofFailed(makeFolder(`${file}${below}`))
    expect(error).toMatchObject({
      code: 'STATE_INVALID',
      message: expect.stringContaining(`${file} is a file, and a folder is needed there: name another path`),
    })
    expect(error.message).not.toMatch(/remove|delete/)
  },
)

test('a folder where a file should be is not to be deleted either', async () => {
  const folder = `${tempFolder()}/letters.ndjson`
  mkdirSync(folder)
  const error = fileError(Object.assign(new Error('EISDIR'), { code: 'EISDIR', path: folder }), 'Not written')
  expect(error).toMatchObject({ code: 'STATE_INVALID', message: expect.stringContaining(folder) })
  expect(error.message).not.toMatch(/remove|delete/)
})

test('where nothing is in the way any more, the message says what was', async () => {
  const folder = tempFolder()
  const error = await ofFailed(mkdir(folder))
  expect(error.message).toContain(`a file is where a folder should be: name another path, or move it away (EEXIST`)
})
