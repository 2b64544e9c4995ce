import { defineModels } from '@drover/schema'

/** The tables of the application. `priority` is what is new. */
export const models = defineModels({
  tables: {
    calls: {
      columns: {
        id: { type: 'integer', nullable: false },
        phone_number: { type: 'varchar(20)', nullable: false },
        status: { type: 'varchar(50)', nullable: false },
        priority: { type: 'integer', nullable: false, default: 0 },
      },
      primaryKey: ['id'],
      indexes: [{ name: 'ix_calls_priority', columns: ['priority'] }],
    },
  },
})
