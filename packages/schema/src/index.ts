export type { JournalEntry, JournalEvent, JournalStatus } from './contracts/journal.js'
export type { Dialect, Irreversible, Migration } from './contracts/migration.js'
export type {
  DownOptions,
  EnsureOptions,
  EnsureReport,
  MigrationReport,
  Migrator,
  MigratorOptions,
  PreviewOptions,
  SchemaLocation,
  SchemaStatus,
  Target,
  UpOptions,
} from './contracts/migrator.js'
export type { Finding, Loss, Plan, PlannedRevision, UnsafeRule } from './contracts/plan.js'
export { RevisionGraph } from './graph/revision-graph.js'
export { type LoadOptions, loadMigrations } from './load/load-migrations.js'
export { defineMigration } from './migration/define-migration.js'
export { irreversible } from './migration/irreversible.js'
export { isMigration } from './migration/is-migration.js'
export { createMigrator } from './migrator/create-migrator.js'
export { previewSql } from './preview/preview-sql.js'
export { type MigrationTaskOptions, migrationTask } from './startup/migration-task.js'
