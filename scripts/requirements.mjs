// What the machine must have. Each gap is named with its remedy before anything is installed.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fail, npm } from './workspace.mjs'

const [minimumMajor, minimumMinor] = [20, 19]

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > minimumMajor || (major === minimumMajor && minor >= minimumMinor)) return
  fail(
    `Drover needs Node ${minimumMajor}.${minimumMinor} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a current Node (https://nodejs.org), or try one without installing it: npx --yes -p node@24 -c "npm test"',
  )
}

/** sqlite3 and better-sqlite3 come as sources: without a compiler they install only where their prebuilt binaries can be fetched. */
export async function checkCompiler() {
  if (process.platform === 'win32') return
  const missing = []
  if (!works([process.env.npm_config_python, process.env.PYTHON, 'python3', 'python'])) missing.push('python3')
  if (!works(['make'])) missing.push('make')
  if (!works([process.env.CXX, 'c++', 'g++', 'clang++'])) missing.push('a C++ compiler')
  if (missing.length === 0) return

  const what = `${new Intl.ListFormat('en').format(missing)} ${missing.length === 1 ? 'is' : 'are'} missing, and sqlite3 and better-sqlite3 are compiled with ${missing.length === 1 ? 'it' : 'them'}`
  const remedy = [
    '  Debian, Ubuntu:  sudo apt-get install -y python3 make g++',
    '  Fedora:          sudo dnf install -y python3 make gcc-c++',
    '  Alpine:          apk add python3 make g++',
    '  macOS:           xcode-select --install',
  ].join('\n')
  if (await prebuiltsInReach()) {
    console.warn(
      `Note: ${what} where no prebuilt binary can be fetched. Should the installation fail, install first:\n${remedy}`,
    )
    return
  }
  fail(
    `${what}; their prebuilt binaries (github.com) cannot be fetched from here. Nothing was installed. Install first:\n${remedy}`,
  )
}

function works(commands) {
  return commands.some((command) => command && spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0)
}

async function prebuiltsInReach() {
  if (process.env.HTTPS_PROXY || process.env.https_proxy) return true
  try {
    await fetch('https://github.com', { method: 'HEAD', signal: AbortSignal.timeout(4000) })
    return true
  } catch {
    return false
  }
}

/**
 * Folder of the running Node's C++ headers, or undefined. Without it node-gyp fetches them from nodejs.org, or takes another
 * Node's from the user's npm configuration.
 */
export function nearbyHeaders() {
  return [process.env.npm_config_nodedir, path.resolve(process.execPath, '../..')].find(fitsThisNode)
}

/** Gives `use` the folder of the headers, wherever they are to be had. */
export function withNodeHeaders(use) {
  const nearby = nearbyHeaders()
  if (nearby || process.platform === 'win32') return use(nearby)

  // A Node that came without headers, such as `npx -p node@24`: the npm package of its binary has them.
  const name = `node-${process.platform}-${process.arch}`
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-node-'))
  try {
    console.log(`This Node has no C++ headers beside it: getting them from the npm package ${name}.`)
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    npm('npm', ['install', '--prefix', folder, ...flags, `${name}@${process.versions.node}`], { stdio: 'ignore' })
    return use([path.join(folder, 'node_modules', name)].find(fitsThisNode))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function fitsThisNode(folder) {
  const file = folder && path.join(folder, 'include/node/node_version.h')
  if (!file || !fs.existsSync(file)) return false
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(fs.readFileSync(file, 'utf8'))?.[1]
  return major === process.versions.node.split('.')[0]
}
