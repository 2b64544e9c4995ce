import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from './consumer.js'
import { root } from './packed.js'

/** What README.md tells somebody to do who has nothing but Drover's tarballs. */
export interface FirstProgram {
  readonly file: string
  readonly code: string
  /** The commands in the new folder, without the comments behind them, in order. */
  readonly commands: readonly string[]
}

/** @throws if the section is not as it was: then this is to be looked at, too. */
export function firstProgram(): FirstProgram {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const section = /^## A first program of your own\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? ''
  const code = /^```js run\n([\s\S]*?)^```/m.exec(section)?.[1]
  const file = /^Then `(.+)`:$/m.exec(section)?.[1]
  const shell = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap((match) =>
    (match[1] ?? '').trim().split('\n'),
  )
  const [pack, ...commands] = shell.map((line) => line.replace(/ +#.*$/, ''))
  if (code === undefined || file === undefined || pack !== 'npm run pack')
    throw new Error('README.md: the first program, its name, or `npm run pack` in front of it is not where it was.')
  return { file, code, commands }
}

/** The command that `npm run pack` prints. */
export function printedInstall(printed: string): string {
  const line = /^ +(npm install .+)$/m.exec(printed)?.[1]
  if (line === undefined) throw new Error(`npm run pack printed no line that installs:\n${printed}`)
  return line
}

/**
 * Does in an empty folder what README.md says, word for word, and gives what each `node` command printed. Two words are not
 * taken as they stand: npm is told to prefer its cache, and the driver, whose build takes minutes, is the workspace's.
 */
export function runAsWritten({ file, code, commands }: FirstProgram, install: string, folder: string): Outcome[] {
  mkdirSync(folder, { recursive: true })
  const outcomes: Outcome[] = []
  for (const command of commands) {
    const [program, ...args] = (command === placeholder ? install : command).split(' ')
    if (program === 'npm') runNpm(args, folder)
    else if (program === 'node') {
      writeFileSync(join(folder, file), code)
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
      outcomes.push({ status, output: stdout + stderr })
    } else throw new Error(`README.md: nobody said how to run "${command}".`)
  }
  return outcomes
}

const placeholder = 'npm install <as `npm run pack` printed it>'

function runNpm(args: readonly string[], folder: string): void {
  const driver = args.find((arg) => arg.startsWith('better-sqlite3@'))
  const more = args[0] === 'install' ? ['--prefer-offline', '--no-audit', '--no-fund', '--legacy-peer-deps'] : []
  execFileSync('npm', [...args.filter((arg) => arg !== driver), ...more], {
    cwd: folder,
    stdio: 'pipe',
    shell: process.platform === 'win32',
  })
  if (driver === undefined) return
  const built = join(root, 'packages/adapter-sqlite/node_modules/better-sqlite3')
  symlinkSync(realpathSync(built), join(folder, 'node_modules/better-sqlite3'), 'junction')
}
