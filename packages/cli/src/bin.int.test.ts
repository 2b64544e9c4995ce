import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { commandLine, startDrover, started } from './testing/child.js'
import { drover, events } from './testing/command.js'
import { makeMessages, rowsOf } from './testing/messages.js'
import { useFolder } from './testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('chat.db', 2000)
  // The step waits at one record for as long as it is told to, or a little at each.
  folder.write(
    'hold.ts',
    `console.log('a module speaks')
export const hold = (message: { id: number }) =>
  process.env.SLOW ? new Promise((resolve) => setTimeout(resolve, 50, message)) : process.env.HOLD_AT === String(message.id) ? new Promise<never>(() => setInterval(() => {}, 1000)) : message\n`,
  )
  for (const name of ['once', 'twice', 'term', 'pipe', 'full', 'paused', 'typed']) {
    folder.write(
      `${name}.yaml`,
      `name: ${name}
source: { type: sqlite, filename: chat.db, table: messages }
transform:
  - module: ./hold.ts#hold
sink: { type: sqlite, filename: ${name}.db, table: copy }
batchSize: 100
`,
    )
  }
})

/** Every message, once. */
function expectAll(name: string): void {
  expect(rowsOf(`${name}.db`, 'SELECT count(*) AS n, count(DISTINCT id) AS d FROM copy')).toEqual([
    { n: 2000, d: 2000 },
  ])
}

const slowly = ['--records-per-second', '800']

describe('a signal', () => {
  test.each([
    ['SIGINT', 'once'],
    ['SIGTERM', 'term'],
  ] as const)('%s ends the batch in hand, says how to go on, and the same command does', async (signal, name) => {
    const child = startDrover(['run', `${name}.yaml`, '--json', ...slowly], folder.path)
    await child.until(/"event":"run:progress"[^\n]*"read":[1-9]/)
    child.process.kill(signal)
    const { code, stdout, stderr } = await child.ended
    expect(code).toBe(130)
    const report = events(stdout).at(-1)
    expect(stderr).toContain('a module speaks')
    expect(report).toMatchObject({ event: 'run:finished', status: 'stopped', reason: `the process got ${signal}` })
    expect(stderr).toContain(`${signal}: ending the batch in hand. Once more stops at once.`)
    expect(stderr).toContain(`Go on with: drover run ${name}.yaml --json --records-per-second 800`)
    const { n } = rowsOf(`${name}.db`, 'SELECT count(*) AS n FROM copy')[0] as { n: number }
    expect(report?.counts).toMatchObject({ written: n })
    expect(await drover(['run', `${name}.yaml`])).toMatchObject({ code: 0, stdout: expect.stringContaining('resumed') })
    expectAll(name)
  })

  test('SIGINT twice ends it at once, with nothing half written', async () => {
    const child = startDrover(['run', 'twice.yaml'], folder.path, { HOLD_AT: '350' })
    await child.until(/twice: 300 of 2,000 records/)
    child.process.kill('SIGINT')
    await child.until('Once more stops at once')
    child.process.kill('SIGINT')
    const { code, stderr } = await child.ended
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/Stopped at once by a second SIGINT.*Go on with: drover run twice\.yaml/),
    ])
    expect(rowsOf('twice.db', 'SELECT count(*) AS n FROM copy')).toEqual([{ n: 300 }])
    expect(await drover(['run', 'twice.yaml'])).toMatchObject({ code: 0, stdout: expect.stringContaining('resumed') })
    expectAll('twice')
  })
})

test('a run goes on when nobody hears its output any more', async () => {
  const child = startDrover(['run', 'pipe.yaml', '--json', '--records-per-second', '2000'], folder.path)
  await child.until('run:started')
  child.process.stdout?.destroy()
  child.process.stderr?.destroy()
  expect((await child.ended).code).toBe(0)
  expectAll('pipe')
})

test.skipIf(!existsSync('/dev/full'))(
  'a run goes on when its output cannot be kept, and the exit code tells',
  async () => {
    const command = [...commandLine, 'run', 'full.yaml', '--json'].map((word) => `'${word}'`).join(' ')
    const { code, stderr } = await started(spawn('sh', ['-c', `${command} > /dev/full`], { cwd: folder.path })).ended
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('drover: not all of the output could be written: ENOSPC'),
    ])
    expectAll('full')
  },
)

test('a run that is to be paused says so, and can be interrupted', async () => {
  await drover(['run', 'paused.yaml', '--stop-after', '100'])
  expect(await drover(['pause', 'paused.yaml'])).toMatchObject({ code: 0 })
  const child = startDrover(['run', 'paused.yaml'], folder.path)
  await child.until('paused is paused until it is resumed: drover resume')
  child.process.kill('SIGINT')
  expect(await child.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('Go on with: drover run') })
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a verification, which has changed nothing', async (signal) => {
  if (!existsSync('paused.db')) await drover(['run', 'paused.yaml', '--stop-after', '100'])
  const child = startDrover(['verify', 'paused.yaml'], folder.path, { SLOW: '1' })
  await child.until('paused has not completed')
  child.process.kill(signal)
  expect(await child.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining('It was ended before anything could be said; nothing was changed.'),
  })
})

/** A terminal, where there is a program that makes one: https://man7.org/linux/man-pages/man1/script.1.html */
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

describe.skipIf(!hasTerminal)('on a terminal', () => {
  function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv) {
    const command = [...commandLine, ...args].map((word) => `'${word}'`).join(' ')
    const { NO_COLOR: _, ...inherited } = process.env
    // A terminal of its own has no size until somebody says one.
    const child = spawn('script', ['-qefc', `stty cols 120 rows 40; ${command}`, '/dev/null'], {
      cwd: folder.path,
      env: { ...inherited, TERM: 'xterm-256color', ...env },
    })
    return { ...started(child), type: (text: string) => child.stdin.write(text) }
  }

  test('drover init asks one question after the other, and Ctrl-C writes nothing', async () => {
    const child = onTerminal(['init', '-o', 'asked.yaml'], {})
    // Arrows choose, Enter takes what is usual.
    for (const [question, keys] of [
      ['Where are the checkpoints', '\u001b[B\r'],
      ['SQLite file?', '\r'],
      ['table of a chat history?', '\r'],
      ['Where do they go?', '\u001b[B\r'],
      ['Folder?', '\r'],
      ['One file in place', '\r'],
      ['Only threads', '\r'],
      ['Note in the metadata', '\r'],
    ] as const) {
      await child.until(question)
      child.type(keys)
    }
    const { code, stdout } = await child.ended
    expect([code, stdout]).toEqual([0, expect.stringContaining('Wrote asked.yaml')])
    expect(readFileSync('asked.yaml', 'utf8')).toContain('destination_type: json')
    const given = onTerminal(['init', '-o', 'given-up.yaml'], {})
    await given.until('Where are the checkpoints')
    given.type('\u0003')
    expect((await given.ended).code).toBe(2)
    expect(existsSync('given-up.yaml')).toBe(false)
  })

  test('the line of progress is redrawn, with rate, percent, time left and rejects; Ctrl-C ends the batch', async () => {
    const child = onTerminal(['run', 'typed.yaml', ...slowly, '--max-rejected', '5'], {})
    await child.until(/typed: [\d,]+ of 2,000 records, [\d.]+ %, [\d,]+\/s, ETA [\d.]+ m?s/)
    child.type('\u0003')
    const { code, stdout } = await child.ended
    expect(stdout).toContain('\r\u001b[2Ktyped: ')
    expect(stdout).toContain('SIGINT: ending the batch in hand')
    expect(stdout).toContain('typed: stopped: the process got SIGINT; the same call goes on from here')
    expect(code).toBe(130)
  })
})

test('the output of a file that is written to is complete', async () => {
  const [program, ...before] = commandLine as [string, ...string[]]
  folder.write('many.ndjson', Array.from({ length: 3000 }, (_, i) => `bad ${i}`).join('\n'))
  folder.write(
    'many.yaml',
    'name: many\nsource: { type: ndjson, path: many.ndjson }\nsink: { type: ndjson, path: many.out }\nmaxRejected: 3000\n',
  )
  const command = [program, ...before, 'run', 'many.yaml', '--json'].map((word) => `'${word}'`).join(' ')
  const { code } = await started(spawn('sh', ['-c', `${command} | cat > events.ndjson`], { cwd: folder.path })).ended
  expect(code).toBe(0)
  const told = events(readFileSync('events.ndjson', 'utf8'))
  expect(told.filter(({ event }) => event === 'record:rejected')).toHaveLength(3000)
  expect(told.at(-1)).toMatchObject({ event: 'run:finished' })
})
