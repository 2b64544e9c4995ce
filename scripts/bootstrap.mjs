// Makes a plain clone usable: checks the machine, installs once, builds what is out of date.
//   node scripts/bootstrap.mjs               install when the lockfile or Node changed
//   node scripts/bootstrap.mjs --build       … and build the packages whose sources are newer than their dist
//   node scripts/bootstrap.mjs --build=all   … and build all of them
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { checkCompiler, checkNode, nearbyHeaders, withNodeHeaders } from './requirements.mjs'
import { fail, hear, packages, pnpm, root, run } from './workspace.mjs'

const stampFile = path.join(root, 'node_modules/.drover-installed.json')
const firstTime = 'Installing. The first time compiles SQLite twice, which takes a minute or two.'
const quiet = ['--reporter=append-only', '--loglevel=warn']
const modules = path.join(root, 'node_modules/.pnpm')

checkNode()
await install()
const build = process.argv.find((argument) => argument.startsWith('--build'))
if (build) await buildPackages(packages().filter((member) => build === '--build=all' || isOutdated(member)))

async function install() {
  const wanted = { lockfile: lockfileHash(), abi: process.versions.modules }
  const found = readStamp()
  // `npm install` at the root removes what pnpm installed, but not the stamp.
  const complete = fs.existsSync(path.join(root, 'node_modules/typescript/package.json')) && nativeModulesBuilt()
  if (complete && found.lockfile === wanted.lockfile && found.abi === wanted.abi) return

  if (complete && nativeModulesLoad('ignore')) {
    installAndCheck(nearbyHeaders())
  } else {
    await checkCompiler()
    console.log(complete ? `Building better-sqlite3 for Node ${process.versions.node}.` : firstTime)
    withNodeHeaders(installAndCheck)
  }
  fs.writeFileSync(stampFile, `${JSON.stringify(wanted)}\n`)
}

function installAndCheck(headers) {
  const { npm_config_nodedir: _other, ...env } = process.env
  if (headers) env.npm_config_nodedir = headers
  if (pnpm(['install', '--frozen-lockfile', ...quiet], { env: { ...env, CI: env.CI ?? '1' } }) !== 0) {
    fail('The installation failed; the reason is above. Nothing else was started.')
  }
  // better-sqlite3 is bound to one Node major; sqlite3 (Node-API) is not.
  if (!nativeModulesLoad('ignore')) pnpm(['-r', ...quiet, 'rebuild', 'better-sqlite3'], { env })
  if (nativeModulesLoad('inherit')) return
  fail(
    'SQLite was installed but does not load in this Node; the reason is above. A "nodedir" in your npm configuration that\n' +
      'belongs to another Node is a common cause: npm config get nodedir',
  )
}

function nativeModulesLoad(stdio) {
  const script = "new (require('better-sqlite3'))(':memory:').close(); require('sqlite3')"
  return run(process.execPath, ['-e', script], { cwd: path.join(root, 'packages/adapter-sqlite'), stdio }) === 0
}

function lockfileHash() {
  const hash = crypto.createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(fs.readFileSync(path.join(root, file)))
  return hash.digest('hex')
}

function readStamp() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, 'utf8'))
  } catch {
    return {}
  }
}

function nativeModulesBuilt() {
  const installed = fs.existsSync(modules) ? fs.readdirSync(modules) : []
  return ['sqlite3', 'better-sqlite3'].every((name) =>
    installed
      .filter((folder) => folder.startsWith(`${name}@`))
      .some((folder) => fs.existsSync(path.join(modules, folder, 'node_modules', name, 'build/Release'))),
  )
}

function isOutdated(member) {
  const built = newest([path.join(member.dir, 'dist/index.js')])
  const sources = ['src', 'package.json', 'tsup.config.ts'].map((name) => path.join(member.dir, name))
  return newest([...sources, path.join(root, 'tooling/tsup.ts'), path.join(root, 'tooling/tsconfig.json')]) > built
}

function newest(paths) {
  let latest = 0
  for (const file of paths) {
    const stat = fs.statSync(file, { throwIfNoEntry: false })
    if (stat?.isDirectory())
      latest = Math.max(latest, newest(fs.readdirSync(file).map((name) => path.join(file, name))))
    else if (stat) latest = Math.max(latest, stat.mtimeMs)
  }
  return latest
}

/** Each once those are built that it depends on, the others side by side. */
async function buildPackages(members) {
  const built = new Map()
  for (const member of members) {
    const needs = Object.keys({ ...member.manifest.peerDependencies, ...member.manifest.dependencies })
    built.set(
      member.name,
      Promise.all(needs.map((name) => built.get(name))).then(() => buildPackage(member)),
    )
  }
  await Promise.all(built.values())
}

async function buildPackage(member) {
  console.log(`Building ${member.name}`)
  const tsup = path.join(root, 'node_modules/tsup/dist/cli-default.js')
  const { code, said } = await hear(process.execPath, [tsup, '--silent'], { cwd: member.dir })
  if (code !== 0) fail(`${said}\n${member.name} does not build.`)
}
