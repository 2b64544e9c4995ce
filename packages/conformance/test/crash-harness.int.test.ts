import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { crashHarness } from '../src/crash.js'

const worker = new URL('./fixtures/crash-worker.mjs', import.meta.url)
const timeout = 60_000
// Trials that failed are left where they are, to be looked into.
const directory = mkdtempSync(join(tmpdir(), 'drover-crash-harness-'))

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('a copy that is right passes, killed all over its way', { timeout }, async () => {
  const report = await crashHarness({ worker, directory, pair: 'right', kills: 20, seed: 7 })
  expect(report).toMatchObject({ pair: 'right', seed: 7 })
  expect(report.kills).toBeGreaterThanOrEqual(20)
  expect(report.trials).toBeGreaterThan(1)
  const { before, between, after } = report.landed
  expect(before + between + after).toBe(report.kills)
  expect(between).toBeGreaterThan(5)
})

test('rows and position in two steps are found, with the seed', { timeout }, async () => {
  const broken = crashHarness({ worker, directory, pair: 'inTwoSteps', kills: 200, seed: 8 })
  await expect(broken).rejects.toThrow(/inTwoSteps, seed 8, trial \d+ in .*\n40 records, but \d+ rows/)
})

test('a process that cannot go on where another one was killed is found, with what it said', { timeout }, async () => {
  const broken = crashHarness({ worker, directory, pair: 'cannotGoOn', kills: 200 })
  await expect(broken).rejects.toThrow(/failed after \d+ kills with STATE_INVALID: Error: there is something/)
})

test('a process that does not end is found', { timeout }, async () => {
  const broken = crashHarness({ worker, directory, pair: 'neverEnds', timeoutMs: 500 })
  await expect(broken).rejects.toThrow(/did not end within 500 ms/)
})

test('a pair that does not exist is refused with the names of those that do', async () => {
  await expect(crashHarness({ worker, directory, pair: 'wrong' })).rejects.toMatchObject({ code: 'NAME_UNKNOWN' })
})

test('of two processes at once one works and the other gives way', { timeout }, async () => {
  const report = await crashHarness({ worker, directory, pair: 'leased', kills: 12, rivals: 3 })
  expect(report.held).toBeGreaterThan(0)
})

test('a process that slept past its lease is refused when it wakes up', { timeout }, async () => {
  const report = await crashHarness({ worker, directory, pair: 'fenced', kills: 1, rivals: 3, leaseMs: 60 })
  expect(report.overtaken).toBeGreaterThan(0)
  expect(report.slept).toBeGreaterThanOrEqual(report.overtaken)
})

test('a process that slept past its lease and goes on writing is found', { timeout }, async () => {
  const broken = crashHarness({ worker, directory, pair: 'unfenced', kills: 100, rivals: 3, leaseMs: 60 })
  await expect(broken).rejects.toThrow(/40 records, but \d+ rows/)
})

test('nobody sleeps without rivals', async () => {
  await expect(crashHarness({ worker, directory, pair: 'fenced', leaseMs: 60 })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  })
})
