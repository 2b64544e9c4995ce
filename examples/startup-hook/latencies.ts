/** What a phase, and within it the reads or writes of some instances, took. */
export interface Line {
  readonly phase: string
  readonly what: string
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Latencies by phase, in the order in which they came up, and kind of request. */
export class Latencies {
  readonly #samples = new Map<string, { readonly phase: string; readonly what: string; readonly ms: number[] }>()

  add(phase: string, what: string, ms: number): void {
    const key = `${phase}\n${what}`
    const known = this.#samples.get(key) ?? { phase, what, ms: [] }
    this.#samples.set(key, known)
    known.ms.push(ms)
  }

  lines(): Line[] {
    const all = [...this.#samples.values()]
    const phases = [...new Set(all.map(({ phase }) => phase))]
    const inOrder = phases.flatMap((phase) =>
      all.filter((one) => one.phase === phase).toSorted((a, b) => (a.what < b.what ? -1 : 1)),
    )
    return inOrder.map(({ phase, what, ms }) => {
      const sorted = ms.toSorted((a, b) => a - b)
      const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
      return { phase, what, count: ms.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
    })
  }
}

export function table(lines: readonly Line[]): string {
  const head = ['', '', 'requests', 'p50', 'p95', 'p99', 'max']
  const rows = lines.map(({ phase, what, count, p50, p95, p99, max }, i) => [
    lines[i - 1]?.phase === phase ? '' : phase,
    what,
    count.toLocaleString('en-US'),
    ...[p50, p95, p99, max].map((ms) => `${ms.toFixed(1)} ms`),
  ])
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)))
  const cell = (text: string, i: number): string =>
    i < 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)
  return all.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')
}
