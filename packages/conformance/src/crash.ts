export { type CrashOptions, type CrashReport, crashHarness } from './crash/crash-harness.js'
export type { CrashLife, CrashPair } from './crash/crash-pair.js'
export type { Landed } from './crash/timing.js'
export { type CompareOptions, differences } from './support/differences.js'
