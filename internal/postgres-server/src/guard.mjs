// Holds a PostgreSQL server for the process at the other end of standard input, and takes it away when that process ends,
// however it ends: a killed process closes its pipes too. One command per line: start with a port, stop, crash. One answer per line: `ready`,
// `stopped`, or `failed` with what the server said.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { command, args, folder, owner } = JSON.parse(process.argv[2])
let server = null

const commands = { start, stop: () => end('SIGINT'), crash: () => end('SIGQUIT') }
let last = Promise.resolve()
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [name, port] = line.split(' ')
    last = last.then(() => commands[name](port))
  })
  .on('close', async () => {
    await last
    await end('SIGINT')
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  })
// The other end is gone: the close of standard input says what there is to say.
process.stdout.on('error', () => {})

async function start(port) {
  const child = spawn(command, [...args, '-p', port], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...owner })
  server = { child, exited: new Promise((done) => child.on('error', done).on('exit', done)) }
  let said = ''
  const ready = new Promise((done) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-4000)
      if (/database system is ready to accept (?:read.only )?connections/.test(said)) done(true)
    })
  })
  const isReady = await Promise.race([ready, server.exited.then(() => false)])
  if (!isReady) server = null
  answer(isReady ? 'ready' : `failed ${JSON.stringify(said)}`)
}

async function end(signal) {
  if (server !== null) {
    server.child.kill(signal)
    await server.exited
    server = null
  }
  answer('stopped')
}

function answer(line) {
  process.stdout.write(`${line}\n`)
}
