import { expect, it } from 'vitest'
import type { Migration } from '../../contracts/migration.js'
import { createMigrator } from '../../migrator/create-migrator.js'
import { describeBoth } from '../../migrator/testing/both-databases.js'

describeBoth('a revision that a backfill divides', (store) => {
  it('goes on behind the backfill, and does nothing again that follows from what it finds', async () => {
    let fails = true
    const attribute = { table: 'routers', column: 'metadata', path: '$.model', value: 'm' }
    const base: Migration = {
      id: '001_base',
      up: async ({ sql }) => {
        await sql('CREATE TABLE routers (id integer PRIMARY KEY, metadata text, label text, n integer)')
        await sql(`INSERT INTO routers VALUES (1, '{"timeout":45}', NULL, NULL), (2, '{}', 'x', NULL)`)
      },
    }
    const divided: Migration = {
      id: '002_divided',
      dependsOn: '001_base',
      assured: { 'table-rebuilt': 'it has two rows', 'rows-changed-at-once': 'it has two rows' },
      up: async ({ schema, backfill }) => {
        await schema.addJsonAttribute(attribute)
        await schema.promoteJson({
          table: 'routers',
          column: 'metadata',
          path: '$.timeout',
          to: { name: 'timeout', type: 'integer', default: 300 },
        })
        await schema.rebuildTable('routers', { columns: { more: { type: 'text', default: 'y' } } })
        await schema.addNotNull('routers', 'label', { fill: 'none' })
        await schema.archiveTable('routers')
        await backfill({
          name: 'numbers',
          table: 'routers',
          sets: ['n'],
          reads: ['id'],
          set: ({ id }) => {
            if (fails) throw new Error('the power is gone')
            return { n: Number(id) * 2 }
          },
        })
        await schema.addNotNull('routers', 'n')
        await schema.setRowVersion('routers', 2, { column: 'n', where: 'id = 1' })
      },
    }
    await using migrator = createMigrator({
      connection: store().location,
      migrations: [base, divided],
      actor: 'a test',
    })
    await expect(migrator.up()).rejects.toThrow('the power is gone')
    fails = false
    await migrator.up()
    expect(await store().query('SELECT id, label, n, timeout, more FROM routers ORDER BY id')).toEqual([
      { id: 1, label: 'none', n: 2, timeout: 45, more: 'y' },
      { id: 2, label: 'x', n: 4, timeout: 300, more: 'y' },
    ])
    expect(await store().query('SELECT count(*) AS rows FROM routers_archive_002_divided')).toEqual([{ rows: 2 }])
    const archives = store().query('SELECT * FROM routers_archive_002_divided_2')
    await expect(archives).rejects.toThrow('routers_archive_002_divided_2')
  })
})
