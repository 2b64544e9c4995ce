import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { transactionPooler } from '../../../../adapter-postgres/src/testing/transaction-pooler.js'
import { openDatabase } from '../../database/open-database.js'
import { migratorOn } from '../create-migrator.js'
import { survivors, watched } from './survivors.js'

/**
 * An instance of an application that starts: it says that it is ready, and for each line that it is given, a location, it ensures the schema there
 * and says what came of it. At the nth thing that it does there, if there is such a number, it is killed, or stopped and says so.
 */
const dieAt = Number(process.argv[2] ?? 0)
const by = process.argv[3] === 'SIGSTOP' ? 'SIGSTOP' : 'SIGKILL'
const leaseMs = Number(process.argv[4] ?? 5_000)
let calls = 0

function onCall(): void {
  if (++calls !== dieAt) return
  if (by === 'SIGSTOP') writeSync(1, '{"status":"stopped"}\n')
  process.kill(process.pid, by)
}

async function ensure(location: string): Promise<object> {
  await using pooler = location.startsWith('pooler:') ? transactionPooler(location.slice('pooler:'.length)) : undefined
  const open = async () => watched(await openDatabase(pooler === undefined ? location : { postgres: pooler }), onCall)
  await using migrator = migratorOn({ migrations: survivors, leaseMs }, open)
  const first = await migrator.ensure({ mode: 'apply' })
  const second = await migrator.ensure({ mode: 'verify' })
  return { ...first, again: second.status }
}

writeSync(1, 'ready\n')
for await (const location of createInterface(process.stdin)) {
  const said = await ensure(location).catch((error: unknown) => ({ error: String(error) }))
  writeSync(1, `${JSON.stringify(said)}\n`)
}
