export { type BackupOptions, backup } from './backup/backup.js'
export type { Backup, BackupManifest, SequenceValue, TableContents } from './backup/backup-manifest.js'
export type { BackupTool } from './backup/backup-postgres.js'
export { backupSaid, type ListedBackup, listBackups } from './backup/list-backups.js'
export { type RestoreOptions, type RestoreReport, restore } from './backup/restore.js'
export { verifyBackup } from './backup/verify-backup.js'
export type { Baseline, BaselineQuery } from './baseline/baseline-file.js'
export { type CompareBaselineOptions, type ComparedQuery, compareBaseline } from './baseline/compare-baseline.js'
export { type RecordBaselineOptions, recordBaseline } from './baseline/record-baseline.js'
export type { CatalogDifference, CatalogObject } from './catalog/compare-catalogs.js'
export { foreignKeysHold, integrityCheck } from './conditions/integrity.js'
export { named } from './conditions/named.js'
export { noNulls, noRows, rowCount, rowCountsUnchanged, rowVersionIs, sqlHolds, validJson } from './conditions/rows.js'
export {
  columnExists,
  columnMissing,
  indexValid,
  tableExists,
  tableMissing,
  viewExists,
} from './conditions/structure.js'
export type { MigrationBackfill } from './contracts/backfill.js'
export type {
  Catalog,
  CatalogAction,
  CatalogColumn,
  CatalogEnum,
  CatalogForeignKey,
  CatalogIndex,
  CatalogSequence,
  CatalogTable,
  CatalogTrigger,
  CatalogView,
} from './contracts/catalog.js'
export type { Before, Condition, ConditionContext } from './contracts/condition.js'
export type { SchemaConnection, SchemaDatabase } from './contracts/database.js'
export type { JournalEntry, JournalEvent, JournalStatus } from './contracts/journal.js'
export type { Dialect, Irreversible, Migration } from './contracts/migration.js'
export type { MigrationContext } from './contracts/migration-context.js'
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
export type {
  ArchiveOptions,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  JsonAttribute,
  Promoted,
  PromoteJson,
  RebuildOptions,
  SchemaChanges,
  TableDefinition,
} from './contracts/schema-changes.js'
export type { RecordedStep } from './contracts/steps.js'
export { type OpenDatabaseOptions, openDatabase } from './database/open-database.js'
export { type CheckDriftOptions, checkDrift, type Drift } from './draft/check-drift.js'
export {
  type CreateMergeOptions,
  type CreateMigrationOptions,
  createMergeFile,
  createMigrationFile,
  type MigrationFile,
} from './draft/create-migration-file.js'
export { type Draft, type DraftedRevision, type DraftOptions, draft } from './draft/draft.js'
export type { Ask, DraftAnswer, DraftQuestion } from './draft/facts.js'
export { type DumpOptions, dump, type SchemaDump } from './dump/dump.js'
export { load } from './dump/load.js'
export { RevisionGraph } from './graph/revision-graph.js'
export { type LoadOptions, loadMigrations } from './load/load-migrations.js'
export { defineMigration } from './migration/define-migration.js'
export { irreversible } from './migration/irreversible.js'
export { isMigration } from './migration/is-migration.js'
export { createMigrator } from './migrator/create-migrator.js'
export {
  type ColumnModel,
  defineModels,
  type SchemaModels,
  type TableModel,
  type ViewModel,
} from './models/define-models.js'
export { type PreflightOptions, type PreflightReport, preflight } from './preflight/preflight.js'
export type { PreflightItem } from './preflight/preflight-item.js'
export { previewSql } from './preview/preview-sql.js'
export { type RehearsalReport, type RehearseOptions, rehearse } from './rehearse/rehearse.js'
export { type MigrationTaskOptions, migrationTask } from './startup/migration-task.js'
export { formatSteps } from './steps/format-steps.js'
export { type SchemaVerification, type VerifySchemaOptions, verifySchema } from './verify/verify-schema.js'
