import { rm } from 'node:fs/promises'
import type { Control } from '../contracts/state-store.js'
import { makeFolderIn, namesIn, placeFolder, readIfThere } from '../disk/durable.js'
import { DroverError } from '../errors/drover-error.js'
import { isObject, parseFile } from './parse-file.js'

/** So many stay behind the newest one: whoever lists the folder while they come and go meets one of them all the same. */
const kept = 8
/** Each further try is due to another operator who was quicker. */
const mostTries = 1_000

/**
 * What operators ask of a run: each word is a folder with a file in it, `00000001/control.json`, that appears at once, and only once
 * under its number; the highest one counts. So of two operators at once the second one sees what the first one has said.
 */
export class ControlFolder {
  constructor(
    private readonly path: string,
    private readonly aside: string,
  ) {}

  async now(): Promise<Control> {
    return (await this.#newest()).control
  }

  /** Says something in view of what was said last; nothing if it stays the same. */
  async change(changed: (before: Control) => Control): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) {
      const { number, control } = await this.#newest()
      const next = changed(control)
      const text = JSON.stringify(next)
      if (text === JSON.stringify(control)) return
      await makeFolderIn(this.path)
      if (!(await placeFolder(this.#word(number + 1), { 'control.json': text }, this.aside))) continue
      const [highest = 0] = await this.#numbers()
      // The place may have been free again: whoever was quicker has been followed, and removed, since.
      if (highest > number + 1 + kept) continue
      for (const old of (await this.#numbers()).filter((other) => other < highest - kept))
        await rm(this.#word(old), { recursive: true, force: true })
      return
    }
    throw new DroverError(
      'STORE_BUSY',
      `${this.path}: what is asked of the run keeps changing. Is something else writing there?`,
      { isRetryable: true },
    )
  }

  async #newest(): Promise<{ readonly number: number; readonly control: Control }> {
    for (;;) {
      const [number] = await this.#numbers()
      if (number === undefined) return { number: 0, control: { state: 'run' } }
      const path = `${this.#word(number)}/control.json`
      const text = await readIfThere(path)
      if (text !== null) return { number, control: parseFile(path, text, controlOf) }
      // Removed since it was listed: there are newer ones. One that stays without a file was left so by hand.
      const [highest] = await this.#numbers()
      if (highest === number)
        throw new DroverError('STATE_INVALID', `${path} is not there. Put it back, or delete ${this.path}.`)
    }
  }

  /** The highest first. */
  async #numbers(): Promise<number[]> {
    const numbers = (await namesIn(this.path)).filter((name) => /^\d{8,}$/.test(name)).map(Number)
    return numbers.sort((a, b) => b - a)
  }

  #word(number: number): string {
    return `${this.path}/${String(number).padStart(8, '0')}`
  }
}

function controlOf(value: unknown): Control | undefined {
  const isWhole = isObject<Control>(value) && ['run', 'pause', 'stop'].includes(value.state as string)
  return isWhole ? (value as unknown as Control) : undefined
}
