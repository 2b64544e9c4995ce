import type { Control } from '../contracts/state-store.js'

/** What is wanted of a run once somebody wants something else: what he does not name stays, and another state has another reason. */
export function changedControl(before: Control, wanted: Partial<Control>): Control {
  const { reason, ...kept } = before
  const named = Object.entries(wanted).filter(([, value]) => value !== undefined)
  const isSame = wanted.state === undefined && reason !== undefined
  return { ...kept, ...(isSame ? { reason } : {}), ...Object.fromEntries(named) }
}

/** What is wanted of a run whose attempt has ended: a stop that was asked for is done, and the next attempt is not to stop at once. */
export function settledControl(control: Control): Control {
  return control.state === 'stop' ? changedControl(control, { state: 'run' }) : control
}
