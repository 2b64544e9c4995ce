import type { Row } from '@drover/core'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import type { StepOptions, Steps } from '../contracts/steps.js'

/** Steps that go on to others; who changes something on the way overrides it. */
export class StepsThrough implements Steps {
  constructor(protected readonly inner: Steps) {}

  get dialect(): Dialect {
    return this.inner.dialect
  }

  get version(): number {
    return this.inner.version
  }

  get isPreview(): boolean {
    return this.inner.isPreview
  }

  get isInTransaction(): boolean {
    return this.inner.isInTransaction
  }

  get foreignKeys(): 'on' | 'off' {
    return this.inner.foreignKeys
  }

  get revision(): string {
    return this.inner.revision ?? ''
  }

  get signal(): AbortSignal {
    return this.inner.signal
  }

  read(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return this.inner.read(sql, values)
  }

  run(sql: string, options?: StepOptions): Promise<number> {
    return this.inner.run(sql, options)
  }

  catalog(): Promise<Catalog | null> {
    return this.inner.catalog()
  }

  unseen(about: string, by?: string, call?: string): void {
    this.inner.unseen(about, by, call)
  }

  isDone(what: string): Promise<boolean> {
    return this.inner.isDone(what)
  }

  backfill(backfill: MigrationBackfill): Promise<void> {
    return this.inner.backfill(backfill)
  }

  note(sentence: string): void {
    this.inner.note(sentence)
  }
}
