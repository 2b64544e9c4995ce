// What the scripts share: where things are, which packages are published, how a command is run. Node only, no dependencies.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

// pnpm 11 needs a newer Node than this workspace supports.
const pnpmVersion = '10.34.9'

/** A message for the person at the terminal, without a stack. */
export function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}

/** Runs a command in the foreground and gives its exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) fail(`${command} could not be started: ${result.error.message}`)
  return result.status ?? 1
}

/** Runs a command beside others, and gives its exit code and what it said. */
export async function hear(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise((resolve) => {
    child.on('error', (error) => fail(`${command} could not be started: ${error.message}`))
    child.on('close', (status) => resolve(status ?? 1))
  })
  return { code, said }
}

/** Runs the pinned pnpm. */
export function pnpm(args, options) {
  return npm('npx', ['--yes', `pnpm@${pnpmVersion}`, ...args], options)
}

/** Runs npm or npx. */
export function npm(command, args, { env = process.env, ...options } = {}) {
  // `npx -c "npm test"` leaves its own arguments in the environment, and an npx inside would obey them.
  const { npm_config_call: _call, npm_config_package: _package, ...rest } = env
  return run(command, args, { shell: process.platform === 'win32', env: rest, ...options })
}

/** Runs a JavaScript file of an installed tool with this Node. */
export function tool(file, args = [], options = {}) {
  return run(process.execPath, [path.join(root, 'node_modules', file), ...args], options)
}

/** The published packages, each after those it depends on. */
export function packages() {
  const folder = path.join(root, 'packages')
  const found = fs
    .readdirSync(folder)
    .filter((name) => fs.existsSync(path.join(folder, name, 'package.json')))
    .map((name) => {
      const manifest = JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'), 'utf8'))
      return { dir: path.join(folder, name), name: manifest.name, version: manifest.version, manifest }
    })
  const ordered = []
  const visit = (member, path) => {
    if (ordered.includes(member)) return
    if (path.includes(member.name))
      fail(`Packages depend on each other in a circle: ${[...path, member.name].join(' → ')}`)
    const needs = { ...member.manifest.dependencies, ...member.manifest.peerDependencies }
    for (const other of found) if (needs[other.name]) visit(other, [...path, member.name])
    ordered.push(member)
  }
  for (const member of found) visit(member, [])
  return ordered
}
