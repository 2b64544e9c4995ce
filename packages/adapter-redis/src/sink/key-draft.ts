import type { Row } from '@drover/core'
import { CommandBuffer } from './command-buffer.js'
import { KeyedDraft } from './keyed-draft.js'

/** One key on its way into a script of its own. */
export interface KeyScriptCall {
  /** Of the record in the batch. */
  readonly row: number
  /** Of the key. */
  readonly number: number
  /** Numbers of parts, the parts, then large values: what the script takes behind the policy. */
  readonly args: readonly (string | Uint8Array)[]
}

/** The only key of a script that has no position. */
const onlyKey = -1

/** One batch whose keys are each made by a script of its own. */
export class KeyDraft extends KeyedDraft {
  /** In rounds: a key is in one of them once. */
  rounds: KeyScriptCall[][] = []
  readonly #commands = new CommandBuffer()
  #seen: number[] = []

  /** Of all commands. */
  get names(): ReadonlySet<string> {
    return this.#commands.names
  }

  override clear(): void {
    super.clear()
    this.rounds = []
    this.#seen = []
  }

  protected override take(record: Row, expiry: number | null, number: number): void {
    const { policy } = this.options
    const made = this.#commandsOf(record, expiry, false)
    const merged = policy === 'merge' ? this.#commandsOf(record, expiry, true) : { parts: [], large: [] }
    const round = this.#seen[number] ?? 0
    this.#seen[number] = round + 1
    let calls = this.rounds[round]
    if (calls === undefined) {
      calls = []
      this.rounds.push(calls)
    }
    const counts = [made.parts.length, made.large.length, merged.parts.length].map(String)
    const args = [...counts, ...made.parts, ...made.large, ...merged.parts, ...merged.large]
    calls.push({ row: this.rows - 1, number, args })
  }

  #commandsOf(record: Row, expiry: number | null, isThere: boolean): ReturnType<CommandBuffer['end']> {
    this.#commands.clear()
    this.options.writer.write(record, expiry, onlyKey, this.#commands, isThere)
    const { parts, large } = this.#commands.end()
    return { parts: parts.map((part) => Buffer.from(part)), large }
  }
}
