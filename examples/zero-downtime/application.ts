// One instance of the application: DATABASE_URL, its release, and what it says on standard output, a line of JSON each.
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { DroverError } from '@drover/core'
import { createMigrator } from '@drover/schema'
import { connect } from './connect.js'
import { releases } from './releases.js'
import { revisionsOfRelease } from './revisions.js'

const url = process.env.DATABASE_URL ?? ''
const number = Number(process.argv[2])
const release = releases[number]
const migrations = revisionsOfRelease[number]
if (release === undefined || migrations === undefined) throw new Error(`There is no release ${process.argv[2]}.`)
const say = (what: object): void => void writeSync(1, `${JSON.stringify(what)}\n`)

// Behind what the release needs it does not start, nor on what it cannot work with.
try {
  await using migrator = createMigrator({ connection: url, migrations })
  const { ahead } = await migrator.ensure({ mode: 'verify' })
  say({ ahead })
} catch (error) {
  const { code, message } = DroverError.from(error, 'ensure')
  say({ refused: code, message })
  process.exit(1)
}

const knex = connect(url)
const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => response.writeHead(status).end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(500).end(JSON.stringify({ error: String(error) })),
  )
})
// Longer than those in front of it keep a connection: else it may be closed here while a request is on its way.
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const ended = once(process, 'SIGTERM')
say({ listening: server.address() })
await ended
server.close()
server.closeAllConnections()
await knex.destroy()

async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
  const id = Number(request.url?.split('/')[2])
  if (request.method === 'POST') return { status: 200, body: { id: await release?.add(knex, await text(request)) } }
  if (request.method === 'PUT') {
    const changed = await release?.change(knex, id, await text(request))
    return { status: changed === 1 ? 200 : 404, body: { id } }
  }
  const phone = await release?.read(knex, id)
  return { status: phone === undefined ? 404 : 200, body: { id, phone } }
}
