import type { ConnectOperation } from '../../contracts/stall.js'

/** Of an output that an incremental run goes on with, and that is not there any more: says so, once, and what to do. */
export class MissingOutput {
  #isTold = false

  constructor(
    /** As the user named it. */
    private readonly output: string,
    private readonly warn: ConnectOperation['warn'],
  ) {}

  /** `which` of it, where it is not all. */
  tell(which?: string): void {
    if (this.#isTold) return
    this.#isTold = true
    const some = which === undefined ? '' : ` (${which})`
    this.warn?.({
      code: 'OUTPUT_MISSING',
      message: `${this.output}: what earlier runs wrote is not there any more${some}. This run goes on behind their last record, so what was exported before is not in the new output. To write all of it again, pass again: 'full', or give the pipeline another name.`,
    })
  }
}
