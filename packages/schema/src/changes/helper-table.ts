import type { SchemaChanges } from '../contracts/schema-changes.js'
import type { Steps } from '../contracts/steps.js'

/** Changes that are more than a statement or two, each in a module of its own. */
type HelperName =
  | 'rebuildTable'
  | 'addJsonAttribute'
  | 'removeJsonAttribute'
  | 'promoteJson'
  | 'demoteJson'
  | 'concurrentIndex'
  | 'addNotNull'
  | 'dropNotNull'
  | 'addForeignKey'
  | 'dropForeignKey'
  | 'archiveTable'
  | 'createEnum'
  | 'addEnumValue'
  | 'renameEnumValue'
  | 'changeEnum'
  | 'dropEnum'
  | 'setRowVersion'

import { archiveTable } from './helpers/archive-table.js'
import { concurrentIndex } from './helpers/concurrent-index.js'
import { demoteJson } from './helpers/demote-json.js'
import { addEnumValue, changeEnum, createEnum, dropEnum, renameEnumValue } from './helpers/enums.js'
import { addForeignKey, dropForeignKey } from './helpers/foreign-key.js'
import { addJsonAttribute, removeJsonAttribute } from './helpers/json-attribute.js'
import { addNotNull, dropNotNull } from './helpers/not-null.js'
import { promoteJson } from './helpers/promote-json.js'
import { rebuildTable } from './helpers/rebuild-table.js'
import { setRowVersion } from './helpers/row-version.js'

type Helpers = {
  readonly [Name in HelperName]: (
    steps: Steps,
    ...given: Parameters<SchemaChanges[Name]>
  ) => ReturnType<SchemaChanges[Name]>
}

export const helpers: Helpers = {
  rebuildTable,
  addJsonAttribute,
  removeJsonAttribute,
  promoteJson,
  demoteJson,
  concurrentIndex,
  addNotNull,
  dropNotNull,
  addForeignKey,
  dropForeignKey,
  archiveTable,
  createEnum,
  addEnumValue,
  renameEnumValue,
  changeEnum,
  dropEnum,
  setRowVersion,
}
