import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadMigrations } from '../load/load-migrations.js'
import { defineMigration } from '../migration/define-migration.js'
import { createMergeFile, createMigrationFile } from './create-migration-file.js'

const now = new Date('2026-01-06T23:59:59Z')
const up = (): void => {}

describe('a new file of a revision', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-new-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** The text is JavaScript but for the package's name, which means something in a project only. */
  const load = () =>
    loadMigrations(folder, {
      importModule: async (path) => {
        const text = readFileSync(path, 'utf8')
        expect(text).toMatch(/^import \{ defineMigration \} from '@drover\/schema'\n/)
        const body = text.replace(/^import .*$/m, '').replace('export default', 'return')
        return { default: new Function('defineMigration', body)(defineMigration) as unknown }
      },
    })

  it('has the checklist, depends on the head, and is loaded', async () => {
    const first = await createMigrationFile({ folder, message: 'Add base tables', author: 'Ada */ x', now })
    expect(first).toMatchObject({ id: '001_add_base_tables', path: join(folder, '001_add_base_tables.ts') })
    expect(first.text).toContain(' * ## Migration: Add base tables\n *\n * **Revision:** 001_add_base_tables\n')
    expect(first.text).toContain(' * **Date:** 2026-01-06\n * **Author:** Ada * / x\n')
    for (const title of ['Changes', 'Testing', 'Deployment', 'Post-Deployment'])
      expect(first.text).toContain(`### ${title}\n * - [ ] `)
    const migrations = await load()
    const next = await createMigrationFile({ folder, message: "what's new?", migrations, now })
    expect(next.id).toBe('002_what_s_new')
    expect((await load()).map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
      ['001_add_base_tables', undefined],
      ['002_what_s_new', '001_add_base_tables'],
    ])
  })

  it('is called <revision>_<slug>, where revisions have no numbers as well', async () => {
    const migrations = [defineMigration({ id: '26a6cb1543c8', up })]
    const random = await createMigrationFile({ folder, message: 'Über allem', migrations, now })
    expect(random.id).toMatch(/^[0-9a-f]{12}_uber_allem$/)
    const given = await createMigrationFile({ folder, message: 'add x', id: 'release-7', migrations, now })
    expect([given.id, given.path]).toEqual(['release-7', join(folder, 'release-7_add_x.ts')])
  })

  it('is not written over another one, into no folder, onto several heads, or with an id that is none', async () => {
    writeFileSync(join(folder, '001_a.ts'), 'mine')
    await expect(createMigrationFile({ folder, message: 'a', id: '001_a' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    expect(readFileSync(join(folder, '001_a.ts'), 'utf8')).toBe('mine')
    await expect(createMigrationFile({ folder: join(folder, 'no'), message: 'a' })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    })
    await expect(createMigrationFile({ folder, message: 'a', id: 'head' })).rejects.toMatchObject({
      code: 'REVISION_INVALID',
    })
    const migrations = ['a', 'b'].map((id) => defineMigration({ id, up }))
    await expect(createMigrationFile({ folder, message: 'x', migrations })).rejects.toMatchObject({
      code: 'REVISION_AMBIGUOUS',
      message: expect.stringContaining('a, b'),
    })
  })

  it('merges heads', async () => {
    const migrations = ['a', 'b', 'c'].map((id) => defineMigration({ id, up }))
    await createMergeFile({ folder, migrations, heads: ['a', 'b'], message: 'merge branches', id: '9', now })
    const [merged] = await load()
    expect(merged).toMatchObject({ id: '9', dependsOn: ['a', 'b'], description: 'merge branches' })
    const one = [defineMigration({ id: 'a', up })]
    await expect(createMergeFile({ folder, migrations: one, message: 'm' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('a is the only head'),
    })
  })
})
