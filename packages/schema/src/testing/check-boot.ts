import { checkWholeNumber, DroverError } from '@drover/core'
import { createMigrator } from '../migrator/create-migrator.js'
import { type CheckOptions, checkCheckOptions } from './check-options.js'

export interface BootOptions extends Omit<CheckOptions, 'allow'> {
  /** Instances that start at once. @default 6 */
  readonly instances?: number
}

/**
 * Several instances call `ensure` at once, each with connections of its own: one applies, the others wait, all find the schema there, and no revision was
 * applied twice.
 *
 * @throws `CONTRACT_BROKEN`, and what an instance fails with
 */
export async function checkConcurrentBoot(options: BootOptions): Promise<void> {
  const where = 'checkConcurrentBoot'
  checkCheckOptions(where, options, ['instances'])
  const { database, migrations, instances = 6 } = options
  checkWholeNumber(where, 'instances', instances, 2)
  await database.reset()
  const boot = async (): Promise<void> => {
    await using migrator = createMigrator({ connection: database.location, migrations })
    await migrator.ensure({ mode: 'apply' })
    const { pending } = await migrator.status()
    if (pending.length > 0)
      throw new DroverError('CONTRACT_BROKEN', `An instance went on while ${pending.join(', ')} were missing.`)
  }
  const ends = await Promise.allSettled(Array.from({ length: instances }, boot))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  await using migrator = createMigrator({ connection: database.location, migrations })
  const applied = (await migrator.events()).filter(({ action }) => action === 'up').map(({ revision }) => revision)
  const twice = applied.filter((revision, at) => applied.indexOf(revision) !== at)
  if (twice.length > 0) throw new DroverError('CONTRACT_BROKEN', `${twice.join(', ')} were applied more than once.`)
}
