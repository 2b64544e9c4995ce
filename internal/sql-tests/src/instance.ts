import { writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { DroverError, ensureFinished, onStartup, type StartupTask, type StateStore } from '@drover/core'

/** What an instance says, a line each. */
export interface Said {
  /** Where it was killed or fell asleep. */
  readonly place?: string
  readonly warn?: string
  readonly error?: string
  readonly finished?: boolean
  readonly tasks?: readonly { name: string; status: string; worked: boolean; counts?: Record<string, number> }[]
  /** What became of waiting for something that never ran. */
  readonly gate?: string
}

/** What befalls whichever instance comes first to a place, and no other one. */
export type Befall = (place: string, signal: 'SIGKILL' | 'SIGSTOP') => Promise<void>

export interface Instance {
  /** Where the instances note who was first at a place. */
  readonly folder: string
  readonly state: StateStore
  /** One that is called `copy`, and one that is called `tokens`. */
  readonly tasks: (befall: Befall) => readonly StartupTask[]
}

/** One of several instances of an application that start together: the program of a process of its own. */
export async function startInstance({ folder, state, tasks }: Instance): Promise<void> {
  const silent = (): void => {}
  const report = await onStartup({
    state,
    whenHeld: 'wait',
    timeoutMs: 90_000,
    drainOn: ['SIGTERM'],
    logger: { debug: silent, info: silent, warn: (warn) => say({ warn }), error: (error) => say({ error }) },
    tasks: tasks(async (place, signal) => {
      if (await isFirst(`${folder}/${place}`)) {
        say({ place })
        process.kill(process.pid, signal)
      }
    }),
  })
  await ensureFinished('tokens', { state })
  say({
    finished: report.finished,
    tasks: report.tasks.map(({ name, status, worked, report: run }) => ({
      name,
      status,
      worked,
      ...(run && { counts: { ...run.counts } }),
    })),
  })
  const late = await ensureFinished('never', { state }).catch((error: unknown) => error)
  say({ gate: DroverError.isInstance(late) ? late.code : String(late) })
}

async function isFirst(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx')).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** At once: nothing said is lost with the process. */
function say(what: Said): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}
