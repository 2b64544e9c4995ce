import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KeyIndex } from './key-index.js'
import { SpillFile } from './spill-file.js'

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drover-spill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file system of 256 KB in memory; null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = tempFolder()
  if (process.getuid?.() !== 0) return null
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]).status !== 0) return null
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return folder
}

test('a file that is spilled to has no name, and nobody else may read it', async () => {
  const folder = tempFolder()
  const open = () => readdirSync('/proc/self/fd').map((fd) => ({ fd, path: linkOf(fd) }))
  const file = await SpillFile.create(folder)
  await file.append(Buffer.from('keys of somebody'))
  expect(readdirSync(folder)).toEqual([])
  if (process.platform === 'linux') {
    const mine = open().filter(({ path }) => path?.startsWith(folder))
    expect(mine.map(({ path }) => path)).toEqual([expect.stringMatching(/drover-keys-.* \(deleted\)$/)])
    const mode = execFileSync('stat', ['-L', '-c', '%a', `/proc/${process.pid}/fd/${mine[0]?.fd}`])
      .toString()
      .trim()
    expect(mode).toBe('600')
    expect(readFileSync(`/proc/self/fd/${mine[0]?.fd}`, 'utf8')).toBe('keys of somebody')
  }
  const read = Buffer.alloc(7)
  await file.read(read, 8)
  expect(String(read)).toBe('somebod')
  await file[Symbol.asyncDispose]()
  if (process.platform === 'linux') expect(open().filter(({ path }) => path?.startsWith(folder))).toEqual([])
})

test('a full disk is said, and keeps nothing', async ({ skip }) => {
  const folder = smallDisk()
  if (folder === null) return skip('a file system can only be mounted by root')
  const index = new KeyIndex({ memoryBytes: 100_000, folder })
  const filling = async () => {
    for (let i = 0; i < 20_000; i++) await index.add([Buffer.from(`checkpoint:${i}`)])
    await index.finish()
  }
  await expect(filling()).rejects.toMatchObject({
    code: 'STORE_FULL',
    isRetryable: false,
    message: expect.stringMatching(new RegExp(`temporary file in ${folder} .*the disk is full \\(ENOSPC\\).*TMPDIR`)),
  })
  await index[Symbol.asyncDispose]()
  const [, used] = execFileSync('df', ['--output=used', folder]).toString().trim().split('\n')
  expect(Number(used)).toBe(0)
})

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined // the listing's own
  }
}
