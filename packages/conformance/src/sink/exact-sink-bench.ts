import type { Claim, Position, Row } from '@drover/core'
import { expect } from 'vitest'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import { noCounts } from '../support/sample-batch.js'
import type { Shape } from '../support/shapes.js'
import type { ExactSinkHarness, ExactSinkHarnessFactory, SinkStoreOptions } from './sink-harness.js'
import { partitionA, SinkLane, sampleRun } from './sink-lane.js'

/** What the groups of the suite share: stores of one shape, and looking into them. */
export class ExactSinkBench {
  readonly capabilities
  readonly schema
  readonly records: readonly Row[]

  constructor(
    private readonly factory: ExactSinkHarnessFactory,
    private readonly shape: Shape,
  ) {
    this.capabilities = factory.capabilities
    this.schema = shape.schema
    this.records = shape.records(40)
  }

  get visibleAtOnce(): boolean {
    return (this.capabilities.visible ?? 'commit') === 'commit'
  }

  many(count: number): Row[] {
    return this.shape.records(count)
  }

  async create(options: Omit<SinkStoreOptions, 'schema'> = {}): Promise<ExactSinkHarness> {
    return await this.factory.create({ schema: this.schema, ...options })
  }

  async lane(harness: ExactSinkHarness, claim: Parameters<typeof SinkLane.open>[2] = {}): Promise<SinkLane> {
    return await SinkLane.open(harness.open(), this.schema, claim)
  }

  /** Where a partition stands, as a process that takes over with this fence finds it. */
  async standing(harness: ExactSinkHarness, claim: Partial<Claim> & { readonly fence: number }): Promise<Position> {
    const session = await harness.open().connect(operation())
    try {
      const whole = { run: sampleRun, partition: partitionA, ...claim }
      const found = await session.claim(whole, operation())
      return found ?? { ...whole, sequence: 0, cursor: null, done: false, counts: noCounts }
    } finally {
      await session[Symbol.asyncDispose]()
    }
  }

  /** Expects readers to see exactly these rows; of a sink that shows them at the end, that the end shows them. */
  async expectRows(
    harness: ExactSinkHarness,
    expected: readonly Row[],
    claim: Partial<Claim> & { fence: number },
  ): Promise<void> {
    if (!this.visibleAtOnce) {
      const lane = await this.lane(harness, claim)
      if (!lane.position.done) await lane.end()
      await lane.session.finish?.('completed', operation())
      await lane.close()
    }
    expect(differences(expected, await harness.contents())).toEqual([])
  }

  /** Expects readers to see exactly these rows now, where they see rows before the end. */
  async expectRowsNow(harness: ExactSinkHarness, expected: readonly Row[]): Promise<void> {
    expect(differences(this.visibleAtOnce ? expected : [], await harness.contents())).toEqual([])
  }
}
