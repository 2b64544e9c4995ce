import { expect, it } from 'vitest'
import { defineMigration } from '../migration/define-migration.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { describeBoth } from '../migrator/testing/both-databases.js'
import { defineModels } from '../models/define-models.js'
import { checkDrift } from './check-drift.js'

const columns = { id: { type: 'integer', nullable: false }, name: { type: 'text', default: 'x' } } as const
const things = { columns, primaryKey: ['id'], indexes: [{ name: 'by_name', columns: ['name'] }] }

const migrations = [
  defineMigration({
    id: '001_things',
    up: async ({ schema }) => {
      await schema.createTable('things', { columns, primaryKey: ['id'] })
      await schema.createIndex('things', { name: 'by_name', columns: ['name'] })
      await schema.createView('names', 'SELECT name FROM things')
    },
  }),
  defineMigration({
    id: '002_more',
    dependsOn: '001_things',
    up: ({ schema }) => schema.addColumn('things', 'more', { type: 'text' }),
  }),
]

describeBoth('drift', (store) => {
  const byHand = 'DROP INDEX by_name; CREATE TABLE extra (a text); ALTER TABLE things ADD COLUMN note text'
  const found = [
    'table extra is there and should not be',
    'column things.note is there and should not be',
    'index things.by_name is missing',
  ]

  it('is what was done by hand, and not what is still to be applied', async () => {
    const connection = store().location
    await using migrator = createMigrator({ connection, migrations })
    await migrator.up({ to: '001_things' })
    expect(await checkDrift({ connection, migrations })).toMatchObject({ sentences: [], pending: ['002_more'] })
    await store().exec(byHand)
    const { sentences } = await checkDrift({ connection, migrations })
    expect([...sentences].sort()).toEqual([...found].sort())
  })

  it('is found by models, too, which say nothing about what they do not declare', async () => {
    const connection = store().location
    const models = defineModels({ tables: { things } })
    await using migrator = createMigrator({ connection, migrations })
    await migrator.up({ to: '001_things' })
    const drift = await checkDrift({ connection, models })
    expect(drift).toMatchObject({ differences: [], sentences: [] })
    expect(drift.undetected).toContain('views: names')
    await store().exec(byHand)
    expect([...(await checkDrift({ connection, models })).sentences].sort()).toEqual([...found].sort())
    const changed = defineModels({
      tables: { things: { ...things, columns: { ...columns, name: { type: 'text', default: 'y' } } } },
    })
    const { sentences } = await checkDrift({ connection, models: changed, ignore: ['extra'] })
    expect(sentences).toContainEqual(expect.stringMatching(/^column things\.name: default is '?x.* and should be '?y/))
    expect(sentences).not.toContain(found[0])
  })
})
