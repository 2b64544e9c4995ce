import { defineMigration } from '../../migration/define-migration.js'
import { base } from './few.js'

/** One that is not idempotent, and says that it is. */
export default [
  base,
  defineMigration({
    id: '002',
    dependsOn: '001',
    transaction: 'none',
    idempotent: true,
    up: async ({ sql }) => {
      const [row] = await sql('SELECT count(*) AS calls FROM calls')
      await sql('INSERT INTO calls (id) VALUES (?)', [100 + Number(row?.calls ?? 0)])
      await sql('DELETE FROM calls WHERE id < 2')
    },
  }),
]
