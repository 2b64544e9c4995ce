import {
  DroverError,
  formatVerification,
  type PipelineOptions,
  type Row,
  type Source,
  type VerifyOptions,
  verify,
} from '@drover/core'
import { hasDocumentFlags } from '../document/document-flags.js'
import { type ExitCode, exitCodes, preparing, refuseUsage, UsageError } from '../exit-codes.js'
import type { VerifyPart } from '../pipeline-file.js'
import { signals } from '../terminal/interruption.js'
import { chosenSide } from './chosen-side.js'
import type { Watching } from './live.js'
import { isPipelineFile, type SubjectFlags, subjectOf } from './subject.js'

/** Flags of `drover verify`. */
export interface VerifyFlags extends SubjectFlags {
  readonly key?: readonly string[]
}

/** `drover verify <file>`: compares what the pipeline gives with what its sink holds. */
export async function verifyFile(
  path: string | undefined,
  flags: VerifyFlags,
  { voice, surroundings }: Watching,
): Promise<ExitCode> {
  if (path === undefined && !hasDocumentFlags(flags))
    refuseUsage('OPTION_INVALID', 'Name what is to be verified: a file, or the flags that it was run with.')
  const isNoFile = (): never => refuseUsage('OPTION_INVALID', `${path} is no pipeline's file: its name ends in .yaml.`)
  if (path !== undefined && !isPipelineFile(path)) isNoFile()
  await using subject = await preparing(() => subjectOf(path, flags, surroundings.env, { embeds: false }))
  const { pipeline, state, name } = subject
  if (pipeline === undefined || name === undefined) return isNoFile()
  const ending = new AbortController()
  const unhook = (): void => {
    for (const signal of signals) surroundings.signals.off(signal, onSignal)
  }
  // The second one ends the process, as it would have done without us.
  const onSignal = (signal: NodeJS.Signals): void => {
    unhook()
    ending.abort(new DroverError('ABORTED', `the process got ${signal}`))
  }
  for (const signal of signals) surroundings.signals.on(signal, onSignal)
  const operation = { signal: ending.signal }
  try {
    const run = await state.load(name, operation)
    if (run?.status !== 'completed') voice.note(`${name} has not completed: what is not there yet is missing.`)
    await using session = await pipeline.options.sink.connect(operation)
    const actual = session.readBack?.()
    if (actual === undefined) return refuseUsage('OPTION_INVALID', `${pipeline.options.sink.name} cannot be read back.`)
    const { key: given, ...options } = pipeline.file.parts.verify ?? ({} as VerifyPart)
    const key = flags.key ?? given ?? (await keyOf(actual, sourceOf(pipeline.options), operation))
    const found = await verify({
      ...options,
      expected: pipeline.options.source,
      actual: await chosenSide(actual, pipeline.file, sourceOf(pipeline.options), operation),
      ...(session.readsBackAs === undefined ? {} : { readsBackAs: session.readsBackAs.bind(session) }),
      key,
      ...(run === null ? {} : { runStartedAt: run.startedAt }),
      signal: ending.signal,
    } as VerifyOptions)
    voice.tell(formatVerification(found), { event: 'verified', ...found })
    return found.equal ? exitCodes.done : exitCodes.failed
  } catch (error) {
    // An exit code of 1 says that the sides differ.
    if (DroverError.isInstance(error, 'KEY_INVALID', 'OPTION_INVALID')) throw new UsageError(error)
    if (!ending.signal.aborted) throw error
    voice.note('It was ended before anything could be said; nothing was changed.')
    return exitCodes.interrupted
  } finally {
    unhook()
  }
}

/** Of the sink's side, else of the source: the first that has one. */
async function keyOf(
  actual: Source<object>,
  source: Source<object>,
  operation: { readonly signal: AbortSignal },
): Promise<readonly string[]> {
  await using given = await source.connect(operation)
  const expected = await given.describe(operation)
  // A store may hold several sorts of records: which of them is meant, the other side says.
  await using session = await actual.connect({ ...operation, expected })
  const { key } = await session.describe(operation)
  if (key.length > 0) return key
  if (expected.key.length > 0) return expected.key
  return refuseUsage(
    'KEY_INVALID',
    'Neither side says what identifies a row. Name it: --key id, or verify: { key: id } in the file.',
  )
}

function sourceOf({ source }: PipelineOptions<Row>): Source<Row> {
  return 'steps' in source ? (source.source as Source<Row>) : source
}
