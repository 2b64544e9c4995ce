/** What a process that may be killed is told, and tells. */
export interface CrashLife {
  /** Says that a batch is durable, so that the harness knows how far the run has come. Returns once it is said. */
  committed(): void
  /** What to do if another process works on the run: pass it on to the run. */
  readonly whenHeld: 'fail' | 'wait'
  /** A number in [0, 1) for this life, for what is to differ between lives. */
  readonly chance: number
  /** How long its lease is to last, in milliseconds, so that others take over from those who sleep: pass it on to the run. */
  readonly leaseMs?: number
}

/** A source and a sink, what runs between them, and how to compare them. A worker module exports some by name. */
export interface CrashPair {
  /** Fills the source in an empty directory, once; each trial works in a copy of it. */
  prepare(directory: string, random: () => number): Promise<void>
  /**
   * Makes what a copy of the directory cannot hold, such as a schema of a database, before a trial begins. It is disposed of
   * once the trial is found to be right; of one that is not, it is left as it is.
   */
  begin?(directory: string): Promise<AsyncDisposable>
  /** Runs to the end. Called in a process of its own, and again after each kill, until it returns. */
  run(directory: string, life: CrashLife): Promise<void>
  /** How source and sink differ in the end, record by record, one line each. */
  compare(directory: string): Promise<readonly string[]>
}
