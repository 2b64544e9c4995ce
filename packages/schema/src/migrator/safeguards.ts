import { existsSync } from 'node:fs'
import { DroverError } from '@drover/core'
import { backUp } from '../backup/backup.js'
import { compareBaseline } from '../baseline/compare-baseline.js'
import { readCatalog } from '../catalog/read-catalog.js'
import { integrityCheck } from '../conditions/integrity.js'
import type { Plan } from '../contracts/plan.js'
import type { Session } from './session.js'

/** A backup before the first revision, if it is asked for and there is something to do. */
export async function backUpBefore(
  { database, journal, signal, logger, backups = 'backups' }: Session,
  asked: string | boolean | undefined,
  { revisions }: Plan,
): Promise<{ readonly backup?: string }> {
  if (asked === undefined || asked === false || revisions.length === 0) return {}
  const { path, manifest } = await backUp(database, { folder: asked === true ? backups : asked, journal }, { signal })
  logger?.info(`backed up by ${manifest.tool}: ${path}`)
  return { backup: path }
}

/**
 * Looks at the database behind the last revision: its pages, indexes and foreign keys, and the queries of the baseline if there is one.
 *
 * @throws `CONDITION_FAILED`, `BASELINE_WORSE`. The revisions stay.
 */
export async function verifyBehind(
  session: Session,
  isAsked: boolean | undefined,
  backup: string | undefined,
): Promise<void> {
  if (isAsked !== true) return
  const { connection, read: query, signal, database, baseline, logger } = session
  const catalog = () => readCatalog(query, connection.dialect)
  const before = { catalog: await catalog(), rows: new Map<string, number>() }
  const said = await integrityCheck()({ dialect: connection.dialect, signal, query, catalog, before })
  const remedy = backup === undefined ? 'Take them back, or restore a backup.' : `Take them back, or restore ${backup}.`
  if (typeof said === 'string')
    throw new DroverError(
      'CONDITION_FAILED',
      `The revisions are applied to ${database.name}, and it is not whole: ${said}. ${remedy}`,
    )
  if (baseline !== undefined && existsSync(baseline)) await compareBaseline({ connection: database, baseline, signal })
  logger?.info(`${database.name}: verified`)
}
