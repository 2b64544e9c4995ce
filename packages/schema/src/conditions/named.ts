import type { Condition, ConditionContext } from '../contracts/condition.js'

/**
 * Gives a condition the name that messages call it by.
 *
 * @example
 * const idle = named('nobody is on the phone', async ({ query }) => (await query('SELECT 1 FROM calls WHERE ended_at IS NULL')).length === 0)
 * defineMigration({ id: '003', preconditions: [idle], up: async ({ schema }) => schema.dropTable('lines') })
 */
export function named(name: string, condition: Condition): Condition {
  const check = (context: ConditionContext): ReturnType<Condition> => condition(context)
  Object.defineProperty(check, 'name', { value: name })
  return check
}
