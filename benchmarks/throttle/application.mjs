// An application that works on the table while it is backfilled, in a process of its own: its queries begin at a fixed rate,
// whether those before them are answered or not, and count from when they were due. Sends the times of each tenth of a second.
import pg from 'pg'

const [url = '', perSecond = '200', rows = '1'] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 16 })
const everyMs = 1000 / Number(perSecond)
const read = 'SELECT id, customer, status, total FROM orders WHERE id = $1'
const change = 'UPDATE orders SET touched = touched + 1 WHERE id = $1'

let due = performance.now() + 100
let times = []
let asked = 0

async function ask(since) {
  const id = 1 + Math.floor(Math.random() * Number(rows))
  await pool.query(asked++ % 5 === 0 ? change : read, [id])
  times.push(performance.now() - since)
}

// Connections that are made while it is measured would be measured too.
await Promise.all(Array.from({ length: 16 }, () => pool.query('SELECT pg_sleep(0.05)')))
let isAsking = true
const asking = setInterval(() => {
  if (!isAsking) due = performance.now() + everyMs
  for (; due <= performance.now(); due += everyMs) void ask(due)
}, 1)
const telling = setInterval(() => {
  process.send(times)
  times = []
}, 100)

process.on('message', (wanted) => {
  isAsking = wanted === 'ask'
})
process.once('disconnect', () => void end())
async function end() {
  clearInterval(asking)
  clearInterval(telling)
  await pool.end()
}
