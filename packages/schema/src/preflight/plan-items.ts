import type { Migration } from '../contracts/migration.js'
import type { Plan } from '../contracts/plan.js'
import { refusedOf } from '../lint/lint.js'
import { lossSaid } from '../loss/losses.js'
import { ask, failed, ok, type PreflightItem } from './preflight-item.js'

/** What the revisions do, as far as it can be seen before they run. */
export function planItems(
  plan: Plan,
  pending: readonly Migration[],
  allow: readonly string[],
): readonly PreflightItem[] {
  return [previewed(plan, allow), losses(plan), compatibility(pending), actions(pending)]
}

function previewed({ findings, revisions }: Plan, allow: readonly string[]): PreflightItem {
  const refused = refusedOf(findings, allow)
  if (refused.length > 0)
    return failed(
      'previewed',
      refused.map(({ revision, rule, message }) => `${revision} (${rule}): ${message}`).join('\n'),
    )
  const unseen = revisions.filter(({ steps }) => steps.some(({ kind }) => kind === 'unseen'))
  const steps = revisions.reduce((sum, revision) => sum + revision.steps.length, 0)
  const said = `${revisions.length} revisions with ${steps} steps, nothing unsafe, ${findings.length} remarks.`
  return unseen.length === 0
    ? ok('previewed', said)
    : ok(
        'previewed',
        `${said} What ${unseen.map(({ migration }) => migration.id).join(', ')} does depends on the rows.`,
      )
}

function losses({ losses: lost }: Plan): PreflightItem {
  const left = lost.filter(({ isArchived, rows }) => !isArchived && rows > 0)
  return left.length === 0
    ? ok('losses', 'Nothing is thrown away.')
    : ask('losses', `This is thrown away: ${left.map((loss) => `${loss.revision}: ${lossSaid(loss)}`).join('; ')}.`)
}

function compatibility(pending: readonly Migration[]): PreflightItem {
  const breaking = pending.filter(
    ({ breaking: isBreaking = false, compatible = !isBreaking }) => isBreaking || !compatible,
  )
  return breaking.length === 0
    ? ok('compatibility', 'The code that runs now works with the schema behind every revision.')
    : ask(
        'compatibility',
        `${breaking.map(({ id }) => id).join(', ')} breaks the code that runs now: stop it first, or release what works with both.`,
      )
}

function actions(pending: readonly Migration[]): PreflightItem {
  const all = pending.flatMap(({ id, actions: own = [] }) => own.map((action) => `${id}: ${action}`))
  return all.length === 0
    ? ok('actions', 'Nothing is to be done besides.')
    : ask('actions', `To be done besides: ${all.join('; ')}.`)
}
