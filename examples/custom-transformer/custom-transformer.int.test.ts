import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { killWhen, messagesOf, sampleDatabase } from '@drover-internal/agent-database'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { guessingService } from './guessing-service.js'
import { messagesWithLanguage } from './messages-with-language.js'

const spoken = new Map([
  ['user', 'caller'],
  ['assistant', 'agent'],
])

let folder: string
let database: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-custom-'))
  database = await sampleDatabase({ folder })
})

afterEach(() => rm(folder, { recursive: true, force: true }))

it('writes every message that was spoken once, in its order, though the process is killed on the way', async () => {
  const main = path.join(import.meta.dirname, 'main.ts')
  const limit = ['--records-per-second', '6000']
  await killWhen(main, ['--database', database, '--folder', folder, ...limit], /[1-9],\d{3} of 12,589 records/)
  const output = path.join(folder, 'messages.ndjson')
  const report = await messagesWithLanguage({ filename: database, output, service: guessingService })
  expect(report.attempt.resumed).toBe(true)

  const expected = [...messagesOf(12_589, 1, new Date(0))].filter(({ role }) => spoken.has(role))
  const written = (await readFile(output, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(report.counts).toMatchObject({ read: 12_589, written: expected.length, filtered: 12_589 - expected.length })
  expect(written.map(({ id, speaker }) => ({ id, speaker }))).toEqual(
    expected.map(({ id, role }) => ({ id, speaker: spoken.get(role) })),
  )
  expect(written.filter(({ language }) => language === 'ja').map(({ id }) => id)).toEqual(
    expected.filter(({ content }) => content.includes('東京')).map(({ id }) => id),
  )
})
