import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasRequire, type Member, root, tarballOf } from './packed.js'

/** Exit code and everything that was printed. */
export interface Outcome {
  readonly status: number | null
  readonly output: string
}

/** A user's own project, outside the workspace, with the packed packages installed by npm. */
export interface Consumer {
  node(args: string[]): Outcome
  /** `tsc` over a file per package and module system. */
  compile(): Outcome
}

export function createConsumer(folder: string, members: readonly Member[], tarballs: string): Consumer {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const peers = ['ioredis', 'knex', 'pg'].map((name) => `${name}@${catalogVersion(name)}`)
  const wanted = [...members.map((member) => tarballOf(member, tarballs)), ...peers]
  // SQLite's drivers are left out: a package must load without them. Peers are ours to choose, hence no automatic ones.
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps']
  execFileSync('npm', ['install', ...flags, ...wanted], {
    cwd: folder,
    stdio: 'pipe',
    shell: process.platform === 'win32',
  })
  // The large tools come from the workspace.
  for (const name of ['typescript', 'vitest', '@types/node'])
    link(join(root, 'node_modules', name), join(folder, 'node_modules', name))

  for (const member of members) writeImports(folder, member)
  const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, noEmit: true, types: ['node'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }))

  const run = (args: string[]): Outcome => {
    // pnpm's commands set NODE_PATH to the workspace's packages, where a user's would find nothing.
    const { NODE_PATH: _, ...env } = process.env
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env })
    return { status, output: stdout + stderr }
  }
  return { node: run, compile: () => run(['node_modules/typescript/bin/tsc']) }
}

function writeImports(folder: string, member: Member): void {
  const { name } = member.manifest
  const file = name.slice(1).replace('/', '-')
  const text = `import * as all from '${name}'\nexport const names: string[] = Object.keys(all)\n`
  writeFileSync(join(folder, `${file}.mts`), text)
  if (hasRequire(member)) writeFileSync(join(folder, `${file}.cts`), text)
}

function link(from: string, to: string): void {
  if (existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(from, to, 'junction')
}

function catalogVersion(name: string): string {
  const version = new RegExp(`^ +${name}: (.+)$`, 'm').exec(
    readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'),
  )?.[1]
  if (!version) throw new Error(`pnpm-workspace.yaml has no ${name} in its catalog.`)
  return version
}
