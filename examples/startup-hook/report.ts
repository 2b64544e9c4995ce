import { table } from './latencies.js'
import type { ExampleOutcome } from './run-example.js'

/** What one wants to know afterwards. */
export function report(outcome: ExampleOutcome): string {
  const { latencies, messages, wrong, lost, writes, gate, failures, instances } = outcome
  const { added, edited, unanswered } = writes
  const workers = instances.filter(({ said }) => said.some(({ working }) => working)).map(({ name }) => name)
  const loops = instances.flatMap(({ name, said }) =>
    said.flatMap(({ loopMs }) =>
      loopMs === undefined ? [] : [`${name} ${ms(loopMs.p50)}, ${ms(loopMs.p99)}, ${ms(loopMs.max)}`],
    ),
  )
  return [
    '',
    table(latencies),
    '',
    `GET /calls/7/tokens while it ran: ${gate[0]}, afterwards: ${gate[1]}.`,
    `Worked on by ${workers.join(', ')}.`,
    `Their event loops were kept for (p50, p99, max): ${loops.join('; ')}.`,
    `${grouped(messages)} messages, ${wrong} of them not counted or counted wrong.`,
    `${grouped(added)} added and ${grouped(edited)} edited meanwhile, ${lost} of these writes lost; ${unanswered} had no answer when their process was killed.`,
    ...failures.slice(0, 5).map((failure) => `FAILED: ${failure}`),
    isRight(outcome) ? 'Every row is right, and no write was lost.' : 'This is WRONG.',
  ].join('\n')
}

export function isRight({ wrong, lost, failures, gate }: ExampleOutcome): boolean {
  return wrong === 0 && lost === 0 && failures.length === 0 && gate[0] === 503 && gate[1] === 200
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
