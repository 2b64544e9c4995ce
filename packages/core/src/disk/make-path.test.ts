import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../files/testing/temp-folder.js'
import { fileError } from './file-error.js'
import { makePath } from './make-path.js'

test('makes what is missing, with the rights that are asked for, and says where that begins', async () => {
  const folder = tempFolder()
  expect(await makePath(`${folder}/a/b/c`, 0o700)).toBe(`${folder}/a`)
  expect(statSync(`${folder}/a/b`).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o700)
  expect(await makePath(`${folder}/a/b/c`)).toBeUndefined()
  expect(await makePath(relative(process.cwd(), `${folder}/a/b/d/`))).toBe(`${folder}/a/b/d`)
  symlinkSync(`${folder}/a`, `${folder}/link`, 'dir')
  expect(await makePath(`${folder}/link/e`)).toBe(`${folder}/link/e`)
})

test('several that make the same at once all find it made', async () => {
  const path = `${tempFolder()}/a/b/c/d`
  await Promise.all(Array.from({ length: 8 }, () => makePath(path)))
  expect(existsSync(path)).toBe(true)
})

test('a file in the way is an error', async () => {
  const file = `${tempFolder()}/file`
  writeFileSync(file, '')
  await expect(makePath(`${file}/a/b`)).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(makePath(file)).rejects.toMatchObject({ code: 'EEXIST' })
})

test.skipIf(process.platform !== 'linux')(
  'a folder that takes no folders is said, and not tried for ever',
  async () => {
    const failed = await makePath('/proc/nope/a/b').catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ENOENT', path: '/proc/nope' })
    expect(fileError(failed, 'x cannot be written')).toMatchObject({
      code: 'STORE_DENIED',
      message: 'x cannot be written: the folder above it takes none: name another place (ENOENT, /proc/nope).',
    })
  },
)
