import { readdir, rm } from 'node:fs/promises'
import { directoryStateStore } from '@drover/core'
import { stateStoreSuite } from '../src/index.js'
import { tempFolder } from './temp-folder.js'

// Once with a clock that is moved, once with the real one.
for (const clock of ['its own', 'moved'] as const) {
  stateStoreSuite(`directory (clock: ${clock})`, {
    create: async () => {
      const directory = await tempFolder()
      let ahead = 0
      const open = () =>
        directoryStateStore({ directory, ...(clock === 'moved' && { clock: () => Date.now() + ahead }) })
      return {
        open,
        holds: () => readdir(directory, { recursive: true }),
        ...(clock === 'moved' && {
          expire: async (lease) => {
            ahead = lease.expiresAt.getTime() - Date.now() + 10
          },
        }),
        [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
      }
    },
  })
}
