import { expect, it } from 'vitest'
import { forecast } from './forecast.js'

const measured = {
  openingMs: 10,
  firstMs: 5,
  records: 1000,
  readMs: 100,
  writing: { rows: 1000, durationMs: 300 },
  rows: 1000,
  bytes: 200_000,
  recordBytes: [200, 200, 200],
}
const asked = {
  count: { value: 100_000, exact: true },
  batchSize: 10_000,
  parallel: 1,
  recordsPerSecond: undefined,
}

it('lies around what was measured: writing behind reading, or each after the other', () => {
  const { durationMs, bytes } = forecast(measured, asked)
  expect(durationMs.low).toBeLessThan(30_000)
  expect(durationMs.high).toBeGreaterThan(40_000)
  expect(durationMs.high / durationMs.low).toBeLessThan(6)
  expect(bytes.low).toBeLessThan(20e6)
  expect(bytes.high).toBeGreaterThan(20e6)
})

it('is wider for a count that is an estimate, and for a sink of which nothing is known', () => {
  const sure = forecast(measured, asked).durationMs
  const estimated = forecast(measured, { ...asked, count: { value: 100_000, exact: false } }).durationMs
  expect(estimated.low).toBeLessThan(sure.low)
  expect(estimated.high).toBeGreaterThan(sure.high)
  const unknown = forecast({ ...measured, writing: null }, asked)
  expect(unknown).toMatchObject({ includesWriting: false })
  expect(unknown.durationMs.high / unknown.durationMs.low).toBeGreaterThan(sure.high / sure.low)
})

it('is no faster than a ceiling lets the run be', () => {
  expect(forecast(measured, { ...asked, recordsPerSecond: 100 }).durationMs.low).toBeGreaterThanOrEqual(1_000_000)
  expect(forecast(measured, { ...asked, recordsPerSecond: 0 }).durationMs.low).toBeLessThan(30_000)
})

it('counts on partitions side by side, and on rows that filters leave out', () => {
  const { low, high } = forecast(measured, { ...asked, parallel: 4 }).durationMs
  const one = forecast(measured, asked).durationMs
  expect(low).toBeLessThan(one.low / 2)
  expect(high).toBe(one.high)
  const few = forecast({ ...measured, rows: 10, writing: { rows: 10, durationMs: 3 } }, asked).durationMs
  expect(few.high).toBeLessThan(one.high / 2)
})

it('is wider where records of other places are larger', () => {
  const { durationMs, bytes } = forecast({ ...measured, recordBytes: [200, 2000, 200, 1000] }, asked)
  expect(durationMs.high).toBeGreaterThan(forecast(measured, asked).durationMs.high * 2)
  expect(bytes.high).toBeGreaterThan(60e6)
})

it('says little of a source without records', () => {
  const none = { ...measured, records: 0, rows: 0, bytes: 0, recordBytes: [], readMs: 0, writing: null }
  const { durationMs, bytes } = forecast(none, { ...asked, count: { value: 0, exact: true } })
  expect(durationMs.high).toBeLessThan(2000)
  expect(bytes).toEqual({ low: 0, high: 0 })
})
