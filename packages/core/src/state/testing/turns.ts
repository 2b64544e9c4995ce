import { AsyncLocalStorage } from 'node:async_hooks'
import type { FileHandle } from 'node:fs/promises'

type Call = (...given: readonly unknown[]) => unknown

/** Somebody whose every call to the disk waits for its turn. */
export interface Actor {
  readonly name: string
  /** Calls to the disk it was allowed so far. */
  steps: number
  /** Lets the next call through; undefined while none waits. */
  go: (() => void) | undefined
  done: boolean
  /** Told when it waits for its turn, or is done. */
  onSettled: (() => void) | undefined
  /** Files it has open. */
  readonly files: Set<{ close(): Promise<void> }>
}

const acting = new AsyncLocalStorage<Actor>()

/**
 * Runs several actors on real files, one call to the disk at a time, in the order that `choose` says: what may happen
 * between processes can then be made to happen, again and again. An actor that is not chosen any more was killed.
 */
export async function inTurns(
  works: Readonly<Record<string, () => Promise<void>>>,
  choose: (waiting: readonly Actor[]) => Actor | undefined,
): Promise<readonly Actor[]> {
  const failures: unknown[] = []
  const actors: Actor[] = []
  for (const [name, work] of Object.entries(works)) {
    const actor: Actor = { name, steps: 0, go: undefined, done: false, onSettled: undefined, files: new Set() }
    actors.push(actor)
    acting
      .run(actor, work)
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        actor.done = true
        actor.onSettled?.()
      })
    await settled(actor)
  }
  for (;;) {
    const chosen = choose(actors.filter((actor) => !actor.done))
    if (chosen === undefined) break
    const { go } = chosen
    chosen.go = undefined
    chosen.steps++
    go?.()
    await settled(chosen)
  }
  for (const { files } of actors) for (const file of files) await file.close() // as the system does for a killed process
  if (failures.length > 0) throw failures[0]
  return actors
}

/** Until it waits for its turn, or is done. */
function settled(actor: Actor): Promise<void> {
  return new Promise((resolve) => {
    if (actor.done || actor.go !== undefined) resolve()
    else actor.onSettled = resolve
  })
}

async function turn(): Promise<void> {
  const actor = acting.getStore()
  if (actor === undefined) return
  await new Promise<void>((resolve) => {
    actor.go = resolve
    actor.onSettled?.()
  })
}

/** The functions of `node:fs/promises` themselves, called in turns; so are the methods of the files that they open. */
export function inTurn<M extends object>(module: M): M {
  const wrapped: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(module)) {
    wrapped[name] = typeof value === 'function' ? waiting(name, value as Call) : value
  }
  return wrapped as M
}

function waiting(name: string, call: Call): Call {
  return async (...given) => {
    await turn()
    const result = await call(...given)
    return name === 'open' ? opened(result as FileHandle) : result
  }
}

function opened(handle: FileHandle): object {
  const files = acting.getStore()?.files
  files?.add(handle)
  return new Proxy(handle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...given: readonly unknown[]) => {
        await turn()
        // Killed is not powered off: what was written is there, synced or not.
        if (name === 'sync' || name === 'datasync') return
        if (name === 'close') files?.delete(handle)
        return value.apply(target, given)
      }
    },
  })
}
