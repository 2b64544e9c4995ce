import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deadLetterSource, directoryStateStore, memoryAckSink, memorySink, memoryStore, type Sink } from '@drover/core'
import { expect, test } from 'vitest'
import { type KillModelHarness, killModel } from '../src/index.js'
import { tempFolder } from './temp-folder.js'

const timeout = 120_000

/** The harness's dead letters in a folder, as a replay would find them. */
function lettersIn(directory: string): NonNullable<KillModelHarness['deadLetters']> {
  return {
    open: () => directory,
    keys: async () => {
      if (!existsSync(directory)) return []
      const { signal } = new AbortController()
      await using session = await deadLetterSource(directory, { key: 'id' }).connect({ signal })
      const keys: unknown[] = []
      const page = { records: 100, bytes: 1_000_000 }
      for await (const one of session.read({ signal, partition: { id: 'all', bounds: null }, after: null, page })) {
        keys.push(...one.keys().map((key) => key.source))
      }
      return keys
    },
  }
}

async function inFolder(
  stores: (directory: string) => Omit<KillModelHarness, 'deadLetters' | typeof Symbol.asyncDispose>,
) {
  return await killModel({
    stride: 5,
    create: async () => {
      const directory = await tempFolder()
      return {
        ...stores(directory),
        deadLetters: lettersIn(join(directory, 'letters')),
        [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
      }
    },
  })
}

test('positions in a directory and dead letters in a folder survive every end', { timeout }, async () => {
  const report = await inFolder((directory) => {
    const store = memoryStore()
    return {
      openSink: () => memoryAckSink({ store }) as Sink,
      openState: () => directoryStateStore({ directory: join(directory, 'state') }),
      contents: async () => [...store.rows],
    }
  })
  expect(report.kills).toBeGreaterThan(30)
})

test('so do those of an exact sink, with its runs in a directory', { timeout }, async () => {
  const report = await inFolder((directory) => {
    const store = memoryStore()
    return {
      openSink: () => memorySink({ store }),
      openState: () => directoryStateStore({ directory: join(directory, 'state') }),
      contents: async () => [...store.rows],
    }
  })
  expect(report.kills).toBeGreaterThan(30)
})
