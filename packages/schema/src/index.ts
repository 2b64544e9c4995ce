export type { Migration } from './contracts/migration.js'
