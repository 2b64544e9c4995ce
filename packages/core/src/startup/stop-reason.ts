import { DroverError } from '../errors/drover-error.js'

/** What a start-up that is to end aborts its signal with. */
export function stopped(reason: string): DroverError {
  return new DroverError('ABORTED', reason)
}

/** Why a start-up is to end, as it goes behind "stopped". */
export function stopReasonOf(signal: AbortSignal): string {
  return DroverError.isInstance(signal.reason, 'ABORTED') ? signal.reason.message : 'its signal was aborted'
}
