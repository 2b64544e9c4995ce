import type { StepOptions, Steps } from '../../contracts/steps.js'
import { StepsThrough } from '../../steps/steps-through.js'

/**
 * Steps for a helper whose statements follow from what it finds in the database; undefined if it was done before an interruption. They are
 * repeatable: when the revision is gone on with, the helper runs none of them, and the journal must not miss them.
 */
export async function onceSteps(steps: Steps, by: string, options: object): Promise<Steps | undefined> {
  if (await steps.isDone(`${by} ${JSON.stringify(options)}`)) return undefined
  return new RepeatableSteps(steps)
}

class RepeatableSteps extends StepsThrough {
  override run(sql: string, options: StepOptions = {}): Promise<number> {
    return super.run(sql, { ...options, isRepeatable: true })
  }

  /** Of a helper within the helper, which is done when that is. */
  override async isDone(): Promise<boolean> {
    return false
  }
}
