import type { Condition, ConditionContext } from '../contracts/condition.js'

/**
 * Gives a condition the name that messages call it by.
 *
 * @example
 * preconditions: [named('nobody is on the phone', async ({ query }) => (await query('SELECT 1 FROM calls WHERE ended_at IS NULL')).length === 0)]
 */
export function named(name: string, condition: Condition): Condition {
  const check = (context: ConditionContext): ReturnType<Condition> => condition(context)
  Object.defineProperty(check, 'name', { value: name })
  return check
}
