import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppendLog } from './append-log.js'
import { readLines } from './read-lines.js'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/drover-log-`)
  path = `${folder}/log`
})
afterEach(() => rm(folder, { recursive: true }))

async function append(...lines: readonly string[]): Promise<void> {
  const log = await AppendLog.open(path)
  for (const line of lines) await log.append(`${line}\n`)
  await log.close()
}

async function lines(): Promise<string[]> {
  const found: string[] = []
  for await (const { text } of readLines(path)) found.push(text)
  return found
}

test('goes on where the last whole line ends', async () => {
  await append('a', 'ü')
  await append('c')
  expect(await lines()).toEqual(['a', 'ü', 'c'])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test.each([1, 2, 70_000, 200_000])(
  'cuts off %i bytes of a torn line, when it appends and not before',
  async (length) => {
    await append('a')
    await writeFile(path, `a\n${'x'.repeat(length)}`)
    const log = await AppendLog.open(path)
    expect((await stat(path)).size).toBe(2 + length)
    await log.append('b\n')
    await log.close()
    expect(await readFile(path, 'utf8')).toBe('a\nb\n')
  },
)

test('takes a file without any line end for torn', async () => {
  await writeFile(path, 'x'.repeat(100_000))
  await append('a')
  expect(await readFile(path, 'utf8')).toBe('a\n')
})

test.skipIf(process.platform !== 'linux')('says so when the disk is full', async () => {
  await symlink('/dev/full', path)
  const log = await AppendLog.open(path)
  await expect(log.append('a\n')).rejects.toMatchObject({ code: 'ENOSPC' })
  await log.close()
})

test('reads lines with their places, however they lie in its blocks', async () => {
  const sizes = [0, 1, 262_143, 262_144, 262_145, 3, 524_288, 0, 7]
  const texts = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size))
  await writeFile(path, `${texts.join('\n')}\n`)
  const bytes = await readFile(path)
  const found: string[] = []
  for await (const { text, offset, bytes: length } of readLines(path)) {
    expect(bytes.toString('utf8', offset, offset + length) === text).toBe(true)
    expect(bytes[offset + length]).toBe(0x0a)
    found.push(text)
  }
  expect(found.map((text) => text.length)).toEqual(sizes)
  expect(found.join('') === texts.join('')).toBe(true)
})

test('characters of several bytes survive the ends of blocks', async () => {
  for (const before of [262_142, 262_143, 262_144]) {
    await writeFile(path, `${'x'.repeat(before)}€\n`)
    const [line] = await lines()
    expect(line?.slice(before)).toBe('€')
  }
})
