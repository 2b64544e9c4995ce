import type { Sink } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import type { PipelineOptions } from './options.js'
import { checkFlag, checkFunction, checkObject, checkRunOptions, invalid, runOptionNames } from './run-options.js'

const optionNames = [
  ...runOptionNames,
  'name',
  'source',
  'sink',
  'maxInFlightBytes',
  'parallel',
  'allowDuplicates',
  'deadLetters',
  'deletes',
  'redact',
]

/** Gives the words that name the pipeline in messages. @throws `OPTION_INVALID` */
export function checkPipelineOptions<R>(kind: 'pipeline' | 'backfill', options: PipelineOptions<R>): string {
  checkObject(kind, 'options', options)
  const where = `${kind} ${typeof options.name === 'string' ? options.name : ''}`.trimEnd()
  checkOptionNames(where, options, optionNames)
  checkText(where, 'name', options.name)
  checkRunOptions(where, options)
  checkWholeNumber(where, 'parallel', options.parallel, 1)
  checkWholeNumber(where, 'maxInFlightBytes', options.maxInFlightBytes, 1)
  checkFlag(where, 'allowDuplicates', options.allowDuplicates)
  checkFunction(where, 'redact', options.redact)
  checkSource(where, options.source)
  checkSink(where, 'sink', options.sink)
  if (options.deadLetters !== undefined && typeof options.deadLetters !== 'string')
    checkSink(where, 'deadLetters', options.deadLetters)
  return where
}

function checkSource(where: string, source: unknown): void {
  const { connect, steps } = Object(source) as { connect?: unknown; steps?: unknown }
  if (typeof connect === 'function' || Array.isArray(steps)) return
  throw invalid(where, `source is a source, or from(source) with steps behind it, not ${shown(source)}`)
}

function checkSink(where: string, option: string, sink: unknown): void {
  const { connect, name, guarantee } = Object(sink) as Partial<Sink<Row>>
  if (typeof connect === 'function' && typeof name === 'string' && guarantees.includes(guarantee as string)) return
  const folder = option === 'deadLetters' ? 'the path of a folder, or ' : ''
  throw invalid(where, `${option} is ${folder}a sink, with a name, a guarantee and connect(), not ${shown(sink)}`)
}

const guarantees: readonly string[] = ['exactly-once', 'idempotent', 'at-least-once'] satisfies Sink['guarantee'][]
