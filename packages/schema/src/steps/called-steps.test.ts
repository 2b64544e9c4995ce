import { expect, it } from 'vitest'
import type { MigrationContext } from '../contracts/migration-context.js'
import type { RecordedStep } from '../contracts/steps.js'
import { checksumOf } from './checksum-of.js'
import { recordMigration } from './record-migration.js'

const record = (up: (context: MigrationContext) => Promise<void>) =>
  recordMigration({ id: '001', up }, 'up', 'postgres')
const add =
  (table: string, name: string) =>
  async ({ schema }: MigrationContext) =>
    schema.addColumn(table, name, { type: 'integer', default: 0 })

it('knows a call again when it is said in other SQL', async () => {
  const steps = await record(add('calls', 'priority'))
  const other = steps.flatMap((step): RecordedStep[] =>
    step.kind === 'sql'
      ? [
          { ...step, sql: `${step.sql} /* better */` },
          { ...step, sql: 'SELECT 1' },
        ]
      : [step],
  )
  expect(checksumOf(other)).toBe(checksumOf(steps))
})

it('tells calls apart by what they are given, how often, and in which order', async () => {
  const sums = await Promise.all(
    [
      add('calls', 'priority'),
      add('calls', 'urgency'),
      async (context: MigrationContext) => {
        await add('calls', 'priority')(context)
        await add('calls', 'priority')(context)
      },
      async (context: MigrationContext) => {
        await add('calls', 'priority')(context)
        await add('calls', 'urgency')(context)
      },
      async (context: MigrationContext) => {
        await add('calls', 'urgency')(context)
        await add('calls', 'priority')(context)
      },
      async ({ sql }: MigrationContext) => void (await sql('ALTER TABLE calls ADD COLUMN priority integer')),
    ].map(async (up) => checksumOf(await record(up))),
  )
  expect(new Set(sums).size).toBe(sums.length)
})

it('knows SQL of the revision, and what knex makes, by its text', async () => {
  const table = (type: 'text' | 'integer') =>
    record(async ({ schema }) => schema.createTable('a', (made) => void made[type]('b')))
  expect(checksumOf(await table('text'))).toBe(checksumOf(await table('text')))
  expect(checksumOf(await table('text'))).not.toBe(checksumOf(await table('integer')))
})
