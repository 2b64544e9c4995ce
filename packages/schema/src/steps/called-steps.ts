import type { StepOptions, Steps } from '../contracts/steps.js'
import { StepsThrough } from './steps-through.js'

/** The steps of one call of `schema`: each says which call it belongs to. */
export class CalledSteps extends StepsThrough {
  /** @param said The call's number among those of the revision, its name, and what it was given. */
  constructor(
    inner: Steps,
    private readonly said: string,
  ) {
    super(inner)
  }

  override run(sql: string, options: StepOptions = {}): Promise<number> {
    return super.run(sql, { ...options, call: this.said })
  }

  override unseen(about: string, by?: string): void {
    super.unseen(about, by, this.said)
  }
}

/**
 * What a call was given, as a text that is the same each time. Undefined where it could be another one: functions, and times, which may be those of now.
 * Such a call is known by its SQL.
 */
export function callSaid(number: number, name: string, given: readonly unknown[]): string | undefined {
  let isSure = true
  const text = JSON.stringify(given, function (this: Record<string, unknown>, key, value: unknown) {
    const original = this[key]
    if (typeof value === 'function' || original instanceof Date) isSure = false
    return typeof value === 'bigint' ? { integer: String(value) } : value
  })
  return isSure ? `${number} ${name} ${text}` : undefined
}
