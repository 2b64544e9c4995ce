import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import type { PipelineOptions } from '../engine/options.js'
import { checkPipelineOptions } from '../engine/pipeline-options.js'
import { defaultLetters, pipelinePlan } from '../engine/pipeline-plan.js'
import type { Plan } from '../engine/plan.js'
import { invalid } from '../engine/run-options.js'
import { isFlow, type Step } from '../flow/flow.js'
import { flowOf } from '../flow/flow-of.js'
import { beginReplay } from './begin-replay.js'
import { lettersSource } from './letters-source.js'

/** The replay as a pipeline of its own. @throws `OPTION_INVALID` */
export function replayPlan<R>(options: PipelineOptions<R>): Plan {
  checkPipelineOptions('pipeline', options)
  const { name, sink, version, whenChanged } = options
  const folder = folderOf(options)
  const { source, steps } = isFlow(options.source)
    ? options.source
    : { source: options.source as Source, steps: [] as readonly Step[] }
  const plan = pipelinePlan<Row>(
    {
      ...(options as unknown as PipelineOptions<Row>),
      name: `${name} replay`,
      source: flowOf<Row>(lettersSource(name, folder, source), steps),
      // What a replay is of is decided anew each time.
      again: 'full',
      deletes: 'ignore',
      parallel: 1,
      deadLetters: folder,
    },
    { kind: 'pipeline', lettersOf: name },
  )
  const begin = { name, folder, version, whenChanged, takesOneRun: sink.takesOneRun === true }
  return { ...plan, begins: (help) => beginReplay(begin, help) }
}

function folderOf<R>({ name, deadLetters = defaultLetters(name), redact, whenChanged }: PipelineOptions<R>): string {
  const where = `replay of ${name}`
  if (typeof deadLetters !== 'string')
    throw invalid(
      where,
      `its dead letters go to ${deadLetters.name}, and are read from folders only. Read them with a source of that store: each row has the record in the field "record", to be sent through the steps by a pipeline of its own`,
    )
  if (redact !== undefined)
    throw invalid(
      where,
      'its letters are redacted, so they do not hold the records as they were. Send those through again from where they came from, or what is left of them by deadLetterSource and a step that mends it',
    )
  if (whenChanged === 'restart')
    throw invalid(
      where,
      `whenChanged is 'refuse' or 'continue': if a replay began anew, letters that have gone through would go through twice`,
    )
  return deadLetters
}
