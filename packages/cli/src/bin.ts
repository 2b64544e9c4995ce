#!/usr/bin/env node
import { Console } from 'node:console'
import { runCommandLine } from './command-line.js'
import { exitCodes } from './exit-codes.js'
import { flushed, outliveClosedPipes } from './terminal/closed-pipe.js'

// What a module of the user's says must not come between lines of JSON.
globalThis.console = new Console(process.stderr)
const lostOutput = outliveClosedPipes()
let code = await runCommandLine(process.argv.slice(2))
await flushed()
const lost = lostOutput()
if (lost !== undefined) {
  process.stderr.write(`drover: not all of the output could be written: ${lost}\n`)
  if (code === exitCodes.done) code = exitCodes.failed
  await flushed()
}
// A module of the user's may have left something open; the work is done.
process.exit(code)
