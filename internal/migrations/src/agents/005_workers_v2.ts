import { defineMigration, foreignKeysHold, rowCountsUnchanged, rowVersionIs } from '@drover/schema'

export default defineMigration({
  id: '005_workers_v2',
  dependsOn: '004_promote_timeout',
  description: 'Workers have a priority and count their retries; the old table stays as workers_v1_backup',
  up: async ({ schema }) => {
    await schema.rebuildTable('workers', {
      columns: { priority: { type: 'integer', default: 0 }, retry_count: { type: 'integer', default: 0 } },
      fill: { schema_version: '2' },
      keepOldAs: 'workers_v1_backup',
    })
  },
  down: async ({ schema }) => {
    await schema.rebuildTable('workers', {
      columns: { priority: null, retry_count: null },
      fill: { schema_version: '1' },
    })
    await schema.dropTable('workers_v1_backup')
  },
  postconditions: [rowCountsUnchanged('workers', 'worker_messages'), rowVersionIs('workers', 2), foreignKeysHold()],
})
