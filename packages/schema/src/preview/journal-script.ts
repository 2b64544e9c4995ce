import type { Dialect, Migration } from '../contracts/migration.js'
import { Journal } from '../journal/journal.js'
import { createJournalTables, journalTables } from '../journal/journal-tables.js'
import { isCompatible, parentsOf } from '../migration/define-migration.js'
import { PaperConnection } from './paper-connection.js'

/** Stands for the time at which the script runs. */
const someday = new Date(Date.UTC(2000, 0, 1))

const nowSql: Readonly<Record<Dialect, string>> = {
  postgres: 'now()',
  sqlite: `strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
}

/** What the migrator's journal would write, as SQL. */
export class JournalScript {
  readonly #paper: PaperConnection
  readonly #journal: Journal
  readonly #prefix: string

  constructor(
    private readonly dialect: Dialect,
    prefix: string,
  ) {
    this.#paper = new PaperConnection(dialect)
    this.#journal = new Journal({ dialect, name: 'a script' }, prefix)
    this.#prefix = prefix
  }

  async tables(): Promise<string[]> {
    await createJournalTables(this.#paper, journalTables(this.#prefix))
    return this.#paper.take()
  }

  /** @param recorded Its way up. */
  async applied(
    migration: Migration,
    recorded: { readonly checksum: string; readonly sql: string },
  ): Promise<string[]> {
    await this.#journal.put(this.#paper, {
      revision: migration.id,
      status: 'applied',
      origin: 'run',
      dependsOn: parentsOf(migration),
      description: migration.description ?? '',
      isCompatible: isCompatible(migration),
      checksum: recorded.checksum,
      sql: recorded.sql,
      steps: [],
      notes: [],
      actor: 'a script of previewSql',
      startedAt: someday,
      appliedAt: someday,
      durationMs: 0,
    })
    return await this.#told(migration, 'up')
  }

  async removed(migration: Migration): Promise<string[]> {
    await this.#journal.remove(this.#paper, migration.id)
    return await this.#told(migration, 'down')
  }

  async #told({ id }: Migration, action: 'up' | 'down'): Promise<string[]> {
    const actor = 'a script of previewSql'
    await this.#journal.tell(this.#paper, { at: someday, revision: id, action, actor, durationMs: 0, detail: '' })
    return this.#paper.take().map((sql) => sql.replaceAll(`'${someday.toISOString()}'`, nowSql[this.dialect]))
  }
}
