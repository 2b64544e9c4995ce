// Makes a plain clone usable: checks the machine, installs once, builds what is out of date.
//   node scripts/bootstrap.mjs               install when the lockfile or Node changed
//   node scripts/bootstrap.mjs --build       … and build the packages whose sources are newer than their dist
//   node scripts/bootstrap.mjs --build=all   … and build all of them
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { checkCompiler, checkNode, nodeHeaders } from './requirements.mjs'
import { fail, packages, pnpm, root, tool } from './workspace.mjs'

const stampFile = path.join(root, 'node_modules/.drover-installed.json')
const modules = path.join(root, 'node_modules/.pnpm')

checkNode()
await install()
const build = process.argv.find((argument) => argument.startsWith('--build'))
if (build) for (const member of packages()) if (build === '--build=all' || isOutdated(member)) buildPackage(member)

async function install() {
  const wanted = { lockfile: lockfileHash(), abi: process.versions.modules }
  const found = readStamp()
  // `npm install` at the root removes what pnpm installed, but not the stamp.
  const complete = fs.existsSync(path.join(root, 'node_modules/typescript/package.json')) && nativeModulesBuilt()
  if (complete && found.lockfile === wanted.lockfile && found.abi === wanted.abi) return

  if (!nativeModulesBuilt()) {
    await checkCompiler()
    console.log('Installing. The first time compiles SQLite twice, which takes a minute or two.')
  }
  const env = { ...process.env, CI: process.env.CI ?? '1' }
  const headers = nodeHeaders()
  if (headers) env.npm_config_nodedir = headers
  else delete env.npm_config_nodedir
  if (pnpm(['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn'], { env }) !== 0) {
    fail('The installation failed; the reason is above. Nothing else was started.')
  }
  // better-sqlite3 is bound to one Node major; sqlite3 (Node-API) is not.
  if (found.abi && found.abi !== wanted.abi) {
    console.log(`Node changed to ${process.versions.node}: building better-sqlite3 again.`)
    if (pnpm(['-r', 'rebuild', 'better-sqlite3'], { env }) !== 0)
      fail('better-sqlite3 could not be built for this Node.')
  }
  fs.writeFileSync(stampFile, `${JSON.stringify(wanted)}\n`)
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

function buildPackage(member) {
  console.log(`Building ${member.name}`)
  if (tool('tsup/dist/cli-default.js', ['--silent'], { cwd: member.dir }) !== 0) fail(`${member.name} does not build.`)
}
