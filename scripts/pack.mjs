// Packs the published packages into ./tarballs, as the registry would get them, and prints how to install them elsewhere.
import fs from 'node:fs'
import path from 'node:path'
import { fail, packages, pnpm, root } from './workspace.mjs'

const target = path.resolve(process.argv[2] ?? path.join(root, 'tarballs'))
fs.rmSync(target, { recursive: true, force: true })
fs.mkdirSync(target, { recursive: true })
if (
  pnpm(['-r', '--filter', './packages/*', 'pack', '--pack-destination', target], {
    stdio: ['ignore', 'ignore', 'inherit'],
  }) !== 0
) {
  fail('Packing failed; the reason is above.')
}

const tarball = (member) => path.join(target, `${member.name.replace('@', '').replace('/', '-')}-${member.version}.tgz`)
const [core, sqlite] = ['@drover/core', '@drover/adapter-sqlite'].map((name) =>
  packages().find((member) => member.name === name),
)
console.log(
  [
    `Packed into ${target}:`,
    ...packages().map((member) => `  ${path.basename(tarball(member))}`),
    '',
    'In your own project:',
    `  npm install ${[core, sqlite].map(tarball).join(' ')} knex@3 better-sqlite3@12`,
  ].join('\n'),
)
