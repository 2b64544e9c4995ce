import { openDatabase } from '../database/open-database.js'
import { readBackup } from './read-manifest.js'
import { replaceSqlite } from './restore-sqlite.js'

/** Restores, and kills itself at a step: `file backup step`. */
const [file = '', backup = '', step = ''] = process.argv.slice(2)
await using database = await openDatabase(file)
await replaceSqlite(database, await readBackup(backup), {
  keep: true,
  onStep: (reached) => {
    if (reached === step) process.kill(process.pid, 'SIGKILL')
  },
})
