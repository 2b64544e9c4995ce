#!/usr/bin/env node
// Beside what is built, so that the command is there before anything is.
import '../dist/bin.js'
