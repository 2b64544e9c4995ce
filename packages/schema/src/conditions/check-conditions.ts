import { DroverError } from '@drover/core'
import type { Condition, ConditionContext } from '../contracts/condition.js'

/**
 * Checks conditions one after the other, all of them, so that a person sees at once what does not hold.
 *
 * @param when For the message: `before 003_context_management`.
 * @throws `CONDITION_FAILED` with each that does not hold
 */
export async function checkConditions(
  conditions: readonly Condition[],
  context: ConditionContext,
  when: string,
): Promise<void> {
  const failures: string[] = []
  for (const [at, condition] of conditions.entries()) {
    context.signal.throwIfAborted()
    const failure = await failureOf(condition, context)
    if (failure !== null)
      failures.push(`${condition.name || `condition ${at + 1}`}${failure === '' ? '' : `: ${failure}`}`)
  }
  if (failures.length === 0) return
  const list = failures.map((failure) => `\n- ${failure}`).join('')
  throw new DroverError('CONDITION_FAILED', `What must hold ${when} does not hold, so nothing of it stays:${list}`)
}

/** An error of the database, such as a lock that is not to be had, is no answer to the question, and comes out as it is. */
async function failureOf(condition: Condition, context: ConditionContext): Promise<string | null> {
  try {
    const answer = await condition(context)
    if (answer === false) return ''
    return typeof answer === 'string' && answer !== '' ? answer : null
  } catch (error) {
    if (DroverError.isInstance(error)) throw error
    return error instanceof Error ? error.message : String(error)
  }
}
