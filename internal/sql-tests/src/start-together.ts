import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { childProgram } from '../../../tooling/child-program.js'
import type { Said } from './instance.js'

export interface TogetherOptions {
  /** The program of an instance, which calls `startInstance`, and what it is told. */
  readonly program: string
  readonly parameters: readonly string[]
  /** Rows that each of the two tasks has to do. */
  readonly rows: number
  /** Whether somebody has gone on behind the place where one fell asleep: then it is woken up. */
  readonly hasPassed: Readonly<Record<'copy-stopped' | 'tokens-stopped', () => Promise<boolean>>>
}

/**
 * Starts six instances of an application together. One is killed while it copies, one falls asleep in it, and one while it
 * counts tokens; both wake up again when others have taken over. In the end the others have done all the work, and whoever
 * slept was refused.
 */
export async function startTogether({ program, parameters, rows, hasPassed }: TogetherOptions): Promise<void> {
  const places = new Map<string, Process>()
  const woken: Promise<void>[] = []
  const onSaid = (by: Process, { place }: Said): void => {
    if (place === undefined) return
    places.set(place, by)
    if (place === 'copy-stopped' || place === 'tokens-stopped') woken.push(wakeLate(by, hasPassed[place]))
  }
  const instances = Array.from({ length: 6 }, () => new Process(program, parameters, onSaid))
  try {
    const ends = await Promise.all(instances.map(({ ended }) => ended))
    await Promise.all(woken)
    const told = JSON.stringify(instances.map(({ said, complained }) => ({ said, complained })))
    expect([...places.keys()].sort(), told).toEqual(['copy-killed', 'copy-stopped', 'tokens-stopped'])
    const killed = places.get('copy-killed')
    expect(ends, told).toEqual(instances.map((one) => (one === killed ? 'SIGKILL' : 0)))
    const survivors = instances.filter((one) => one !== killed)
    for (const { said } of survivors) checkEnd(said, rows, told)
    for (const task of ['copy', 'tokens']) {
      const sleeper = places.get(`${task}-stopped`)
      checkTakeOver(
        task,
        survivors.filter((one) => workedOn(task, one)),
        sleeper,
        told,
      )
    }
  } finally {
    for (const { child } of instances) child.kill('SIGKILL')
    await Promise.all(instances.map(({ ended }) => ended))
  }
}

/** An instance, and what it says. */
class Process {
  readonly said: Said[] = []
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly child: ChildProcess
  complained = ''

  constructor(program: string, parameters: readonly string[], onSaid: (by: Process, what: Said) => void) {
    const all = ['--unhandled-rejections=strict', childProgram(program), ...parameters]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    createInterface(child.stdout).on('line', (line) => {
      const what = JSON.parse(line) as Said
      this.said.push(what)
      onSaid(this, what)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.complained += chunk.toString()
    })
    this.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  }
}

async function wakeLate({ child }: Process, hasPassed: () => Promise<boolean>): Promise<void> {
  while (!(await hasPassed())) await wait(20)
  child.kill('SIGCONT')
}

function workedOn(task: string, { said }: Process): boolean {
  return said.some(({ tasks }) => tasks?.some(({ name, worked }) => name === task && worked))
}

function checkEnd(said: readonly Said[], rows: number, told: string): void {
  const last = said.find(({ finished }) => finished !== undefined)
  expect(last, told).toMatchObject({ finished: true, tasks: [{ name: 'copy' }, { name: 'tokens' }] })
  expect(said.at(-1), told).toEqual({ gate: 'DEPENDENCY_UNFINISHED' })
  for (const task of last?.tasks ?? []) expect(task.counts, told).toMatchObject({ read: rows, written: rows })
}

/** Whoever slept did some of it, and who took over from it did the rest. */
function checkTakeOver(task: string, workers: readonly Process[], sleeper: Process | undefined, told: string): void {
  expect(workers.length, told).toBe(2)
  expect(workers).toContain(sleeper)
  const warned = sleeper?.said.flatMap(({ warn }) => warn ?? []).join()
  const lost = new RegExp(`start-up: ${task}: this instance has lost it to another one, (FENCED|LEASE_LOST)`)
  expect(warned, told).toMatch(lost)
}
