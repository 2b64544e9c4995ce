// Holds servers for the process at the other end of standard input, and takes them away when that process ends, however it ends: a
// killed process closes its pipes too. One request per line, as JSON; one answer for each, by its id: null, or what went wrong.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { folder } = JSON.parse(process.argv[2])
const servers = new Map()

const requests = {
  start,
  stop: ({ name }) => end(name, 'SIGTERM'),
  crash: ({ name }) => end(name, 'SIGKILL'),
  pause: ({ name }) => signal(name, 'SIGSTOP'),
  resume: ({ name }) => signal(name, 'SIGCONT'),
}
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const request = JSON.parse(line)
    const problem = await requests[request.do](request).then(
      () => null,
      (error) => error.message,
    )
    process.stdout.write(`${JSON.stringify([request.id, problem])}\n`)
  })
  .on('close', async () => {
    await Promise.all([...servers.keys()].map((name) => end(name, 'SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  })
// The other end is gone: the close of standard input says what there is to say.
process.stdout.on('error', () => {})

async function start({ name, command, args, env, cwd, ready }) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise((done) => child.on('error', done).on('exit', done))
  servers.set(name, { child, exited })
  void exited.then(() => servers.get(name)?.child === child && servers.delete(name))
  let said = ''
  const isReady = new Promise((done) => {
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text) => {
        said = (said + text).slice(-4000)
        if (said.includes(ready)) done(true)
      })
    }
  })
  if (!(await Promise.race([isReady, exited.then(() => false)]))) throw new Error(said || `${command} did not start`)
}

async function end(name, how) {
  const server = servers.get(name)
  if (server === undefined) return
  server.child.kill(how)
  // One that was paused hears nothing else.
  server.child.kill('SIGCONT')
  await server.exited
}

async function signal(name, which) {
  const server = servers.get(name)
  if (server === undefined) throw new Error('it does not run')
  server.child.kill(which)
}
