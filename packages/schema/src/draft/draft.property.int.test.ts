import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import { describeBoth } from '../migrator/testing/both-databases.js'
import { defineModels } from '../models/define-models.js'
import { draft } from './draft.js'
import { applied, revisionsOf, takenBack } from './testing/apply.js'
import { someModels } from './testing/random-models.js'

const nothing = defineModels({ tables: {}, enums: {}, views: {} })
const runs = Number(process.env.DROVER_RUNS ?? 3)

describeBoth('drafts of any two schemas', (store) => {
  it('leave nothing for the next one when they are applied, and when they are taken back', async () => {
    const location = store().location
    await fc.assert(
      fc.asyncProperty(someModels, someModels, async (one, other) => {
        const migrations: Migration[] = []
        const make = async (models: typeof one, message: string): Promise<void> => {
          const { revisions } = await draft({ connection: location, models, message, migrations, ask: () => false })
          migrations.push(...revisionsOf({ revisions }))
          try {
            await applied(location, migrations)
          } catch (error) {
            throw new Error(revisions.map(({ text }) => text.slice(text.indexOf('export'))).join('\n'), {
              cause: error,
            })
          }
          const again = await draft({ connection: location, models, message, ask: () => false })
          if (again.revisions.length > 0)
            throw new Error(
              JSON.stringify(again.differences, null, 1) +
                revisions.map(({ text }) => text.slice(text.indexOf('export'))).join('\n'),
            )
        }
        await make(one, 'one')
        const first = migrations.at(-1)?.id
        await make(other, 'other')
        if (first !== undefined) await takenBack(location, migrations, first)
        const back = await draft({ connection: location, models: one, message: 'back', ask: () => false })
        expect(back.differences).toEqual([])
        await takenBack(location, migrations, 'base')
        const gone = await draft({ connection: location, models: nothing, message: 'gone', ask: () => false })
        expect(gone.differences).toEqual([])
      }),
      { numRuns: runs, endOnFailure: true },
    )
  }, 600_000)
})
