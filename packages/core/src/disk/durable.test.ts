import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeFolder } from './durable.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-disk-'))
})
afterAll(() => rm(folder, { recursive: true }))

const rights = async (path: string): Promise<number> => (await stat(join(folder, path))).mode & 0o777

it.skipIf(process.platform === 'win32')(
  'makes what is ours for the owner alone, and the folders of the user as usual',
  async () => {
    const usual = 0o777 & ~process.umask()
    expect(await makeFolder(join(folder, 'out/.drover/files/a'), join(folder, 'out/.drover'))).toBe(true)
    expect(await rights('out')).toBe(usual)
    for (const ours of ['out/.drover', 'out/.drover/files', 'out/.drover/files/a'])
      expect(await rights(ours)).toBe(0o700)
    await makeFolder(join(folder, 'elsewhere/state'), join(folder, 'elsewhere/state'))
    expect(await rights('elsewhere')).toBe(usual)
    expect(await rights('elsewhere/state')).toBe(0o700)
    expect(await makeFolder(join(folder, 'elsewhere/state'), join(folder, 'elsewhere/state'))).toBe(false)
  },
)
