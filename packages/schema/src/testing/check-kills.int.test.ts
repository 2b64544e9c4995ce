import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { checkKills } from './check-kills.js'
import few from './revisions/few.js'
import { type TestDatabase, testDatabase } from './test-database.js'

const tsx = pathToFileURL(
  path.join(path.dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist/esm/index.mjs'),
).href
const execArgv = ['--conditions=@drover/source', '--import', tsx]
const seed = async ({ query }: TestDatabase): Promise<void> => void (await query('INSERT INTO calls VALUES (1, 7)'))

it('kills a process at each call of a revision, and has another one go on', { timeout: 60_000 }, async () => {
  await using database = await testDatabase({ dialect: 'sqlite' })
  const module = new URL('./revisions/few.ts', import.meta.url)
  const { kills } = await checkKills({ database, migrations: few, module, execArgv, from: '001' })
  // The beginning, both calls, and the end.
  expect(kills).toBe(4)
  await expect(checkKills({ database, migrations: few, module: 'nothing.ts', execArgv })).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
  })
  void seed
})
