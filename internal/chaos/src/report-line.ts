import type { CrashReport } from '@drover/conformance/crash'

/** What was tried with one pair, as a line. */
export function reportLine({ pair, seed, trials, kills, landed, held, seconds }: CrashReport): string {
  const { before, between, after } = landed
  const where = `${before} before a batch, ${between} between batches, ${after} behind the last`
  const gave = held === 0 ? '' : `, ${held} processes gave way`
  return `${pair.padEnd(18)} ${String(kills).padStart(5)} kills in ${trials} runs (${where})${gave}, ${seconds.toFixed(1)} s, seed ${seed}`
}
