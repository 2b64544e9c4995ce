import { GroupEncoder } from './group-encoder.js'
import { ipcOf, plan } from './written-rows.js'

/** The application of `bundled.int.test.ts`: it encodes twice, tells, and leaves the encoder as it is. */
const notices: string[] = []
const columns = plan({ id: { kind: 'int', bits: 32 } })
const encoder = new GroupEncoder({ plan: columns, compression: 'snappy', onNotice: (notice) => notices.push(notice) })
void Promise.all([
  encoder.encode(ipcOf(columns, [{ id: 1 }])),
  encoder.encode(ipcOf(columns, [{ id: 1 }, { id: 2 }])),
]).then((groups) => process.stdout.write(JSON.stringify({ rows: groups.map(({ rows }) => rows), notices })))
