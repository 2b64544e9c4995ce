import type { CrashReport } from '@drover/conformance/crash'

/** What was tried with one pair, as a line. */
export function reportLine({
  pair,
  seed,
  trials,
  kills,
  landed,
  held,
  slept,
  overtaken,
  seconds,
}: CrashReport): string {
  const { before, between, after } = landed
  const where = `${before} before a batch, ${between} between batches, ${after} behind the last`
  const gave = held === 0 ? '' : `, ${held} processes gave way`
  const woke = slept === 0 ? '' : `, ${slept} slept, ${overtaken} of them were refused`
  return `${pair.padEnd(25)} ${String(kills).padStart(5)} kills in ${trials} runs (${where})${gave}${woke}, ${seconds.toFixed(1)} s, seed ${seed}`
}
