import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadMigrations } from './load-migrations.js'

describe('a folder of revisions', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-load-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const failure = async (options = {}): Promise<Pick<DroverError, 'code' | 'message'>> => {
    const error: unknown = await loadMigrations(folder, options).catch((thrown: unknown) => thrown)
    if (!DroverError.isInstance(error)) throw new Error('it did not fail')
    return { code: error.code, message: error.message.replaceAll(folder, 'migrations') }
  }

  it('is loaded in the order of the names, whatever kind of module a file is', async () => {
    write('002_b.cjs', `module.exports = { id: '002_b', dependsOn: '001_a', up: async () => {} }`)
    write('001_a.mjs', `export default { id: '001_a', up: async () => {} }`)
    write('003_c.cjs', `exports.__esModule = true; exports.default = { id: '003_c', up() {} }`)
    write('004_d.mjs', `export default [{ id: '004_d', up() {} }, { id: '005_e', up() {} }]`)
    for (const name of ['_helper.mjs', 'a.test.mjs', 'a.d.ts', 'README.md']) write(name, 'throw new Error()')
    const loaded = await loadMigrations(folder)
    expect(loaded.map(({ id }) => id)).toEqual(['001_a', '002_b', '003_c', '004_d', '005_e'])
  })

  it('names the file that cannot be loaded, exports none, or describes none', async () => {
    write('001.mjs', `throw new TypeError('no such thing')`)
    expect(await failure()).toEqual({
      code: 'REVISION_INVALID',
      message: 'migrations/001.mjs cannot be loaded: TypeError: no such thing',
    })
    rmSync(join(folder, '001.mjs'))
    write('002.mjs', 'export const up = 1')
    expect(await failure()).toMatchObject({
      code: 'REVISION_INVALID',
      message: expect.stringMatching(/^migrations\/002.mjs exports no revision. Write: export default define/),
    })
    write('001.cjs', `module.exports = { id: '-1', up() {} }`)
    rmSync(join(folder, '002.mjs'))
    expect(await failure()).toMatchObject({
      code: 'REVISION_INVALID',
      message: expect.stringMatching(/^migrations\/001.cjs: revision -1: an id has letters/),
    })
  })

  it('that holds TypeScript says what loads it, and takes who does', async () => {
    write('001_a.ts', `export default { id: '001_a' as string, up() {} }`)
    const importModule = async (path: string): Promise<unknown> => {
      expect(path).toBe(join(folder, '001_a.ts'))
      return { default: { id: '001_a', up: () => {} } }
    }
    expect(await loadMigrations(folder, { importModule })).toHaveLength(1)
    const unknown = Object.assign(new TypeError('Unknown file extension ".ts"'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' })
    expect(await failure({ importModule: () => Promise.reject(unknown) })).toMatchObject({
      code: 'PACKAGE_MISSING',
      message: expect.stringMatching(/Install tsx .* "drover schema" does it/),
    })
  })

  it('that is not there is said by its name', async () => {
    await expect(loadMigrations(join(folder, 'none'))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })
})
