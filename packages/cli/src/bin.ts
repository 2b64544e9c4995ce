#!/usr/bin/env node
import { runCommandLine } from './command-line.js'
import { flushed, outliveClosedPipes } from './terminal/closed-pipe.js'

outliveClosedPipes()
const code = await runCommandLine(process.argv.slice(2))
await flushed()
// A module of the user's may have left something open; the work is done.
process.exit(code)
