import { promises } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { devNull } from 'node:os'

export class Killed extends Error {}

const functions = [
  'open',
  'rename',
  'rm',
  'mkdir',
  'stat',
  'chmod',
  'readdir',
  'readFile',
  'access',
  'readlink',
] as const
const methods = ['write', 'read', 'datasync', 'sync', 'truncate', 'stat', 'chmod', 'writeFile'] as const

type Callable = (this: unknown, ...args: unknown[]) => unknown

/**
 * Kills this process as far as the disk can tell: from the chosen step on, no call reaches the file system any more. The real
 * file system does all others. A write that is killed leaves half of its bytes.
 */
export class KillSwitch {
  steps = 0
  #killAt = Number.POSITIVE_INFINITY
  #sleepAt = Number.POSITIVE_INFINITY
  #meanwhile: () => Promise<void> = async () => {}
  readonly #undo: (() => void)[] = []

  static async install(): Promise<KillSwitch> {
    const killSwitch = new KillSwitch()
    for (const name of functions) killSwitch.#wrap(promises as unknown as Record<string, Callable>, name)
    const handle = await open(devNull)
    const prototype = Object.getPrototypeOf(handle) as Record<string, Callable>
    await handle.close()
    for (const name of methods) killSwitch.#wrap(prototype, name)
    syncBuiltinESMExports()
    return killSwitch
  }

  /** Begins to count; the step of this number is the first that does not happen. */
  arm(killAt = Number.POSITIVE_INFINITY): void {
    this.steps = 0
    this.#killAt = killAt
    this.#sleepAt = Number.POSITIVE_INFINITY
  }

  /** Whoever comes to the step of this number sleeps before it, until `meanwhile` is done. */
  sleepAt(step: number, meanwhile: () => Promise<void>): void {
    this.arm()
    this.#sleepAt = step
    this.#meanwhile = meanwhile
  }

  get killed(): boolean {
    return this.steps >= this.#killAt
  }

  remove(): void {
    for (const undo of this.#undo) undo()
    syncBuiltinESMExports()
  }

  #wrap(owner: Record<string, Callable>, name: string): void {
    const original = owner[name] as Callable
    const killSwitch = this
    owner[name] = async function (this: unknown, ...args: unknown[]) {
      const step = ++killSwitch.steps
      if (step === killSwitch.#sleepAt) await killSwitch.#meanwhile()
      if (step < killSwitch.#killAt) return original.apply(this, args)
      if (step === killSwitch.#killAt && name === 'write') await half.call(this as FileHandle, original, args)
      throw new Killed(`killed at step ${step}: ${name}`)
    }
    this.#undo.push(() => {
      owner[name] = original
    })
  }
}

async function half(this: FileHandle, write: Callable, [bytes, offset, length, ...rest]: unknown[]): Promise<void> {
  await write.apply(this, [bytes, offset, Math.floor((length as number) / 2), ...rest])
}
