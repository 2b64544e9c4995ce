import type { Claim } from '../contracts/position.js'
import type { ExactSession, ExactSink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { RunState } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import { GoneRows } from '../deletes/gone-rows.js'
import { DroverError } from '../errors/drover-error.js'
import { flowOf } from '../flow/flow-of.js'
import { Chain } from './chain.js'
import { noCounts } from './counts.js'
import { ExactLane } from './exact-lane.js'
import type { Lane } from './lane.js'
import type { PipelineParts } from './opened-pipeline.js'
import type { PipelineLaneOptions } from './pipeline-lane.js'

/** The last partition of a repeated full run: rows that its records did not give are deleted or marked. */
export class Removal implements AsyncDisposable {
  #session: ExactSession<Row> | undefined

  constructor(
    private readonly parts: Pick<PipelineParts, 'options' | 'source' | 'steps' | 'sink' | 'deletes' | 'help'>,
  ) {}

  async lane(
    claim: Claim,
    run: RunState,
    { lane, readBack }: { readonly lane: PipelineLaneOptions; readonly readBack: () => Source | undefined },
  ): Promise<Lane> {
    const { options, source, steps, sink, deletes, help } = this.parts
    const { remover } = sink as ExactSink<Row>
    const actual = readBack()
    if (deletes === null || remover === undefined || actual === undefined) {
      throw new DroverError(
        'OPTION_INVALID',
        `${options.name}: the stored run deletes or marks rows in its end, and this call does not. Give deletes again until it has completed, or pass whenChanged: 'restart'.`,
      )
    }
    this.#session ??= await remover(deletes.removing).connect({
      ...help.opening.connecting('sink', help.operation),
      warn: help.warn,
      info: help.info,
    })
    const session = this.#session
    const position = await session.claim(claim, help.operation)
    const where = `${options.name}: sink ${sink.name}`
    const { context, run: id } = lane.reader
    const gone = new GoneRows({
      where,
      expected: flowOf<Row>(source, steps),
      actual,
      wanted: deletes,
      runStartedAt: run.startedAt,
      warn: help.warn,
    })
    return new ExactLane(session, {
      ...lane,
      where,
      position: { ...(position ?? { ...claim, sequence: 0, cursor: null, done: false, counts: noCounts }), ...claim },
      reader: {
        session: gone,
        source: `${options.name}: rows of ${sink.name} that are gone`,
        ...(id === undefined ? {} : { run: id }),
        partition: claim.partition,
        filter: undefined,
        chain: new Chain([], { maxRetries: help.retrying.maxRetries }),
        context,
        bear: lane.reader.bear,
      },
      takesPagesOnce: false,
      heldBytes: () => 0,
      prepare: async () => {},
      // What is no record of the source cannot be sent through the steps again: it is counted, and stays.
      bury: async (_, rejections) => help.limit.reserve(claim.partition.id, rejections),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.[Symbol.asyncDispose]()
  }
}
