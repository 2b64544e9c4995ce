// Answers as a Qdrant would, but only reads what is sent, and sends what was prepared: what is measured is the client's side alone. A process
// of its own, told the file of vectors and how many numbers each has; prints its port.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { sampleVectors, vectorAt } from './qdrant-sample.mjs'

const [file, size] = process.argv.slice(2)
const dimensions = Number(size)
const vectors = sampleVectors(readFileSync(file), dimensions)
const texts = vectors.map((vector) => Buffer.from(`,"vector":[${Array.from(vector, shortest).join(',')}]}`))

const settings = { vectors: { size: dimensions, distance: 'Dot' } }
const collection = {
  status: 'green',
  optimizer_status: 'ok',
  points_count: 0,
  segments_count: 1,
  config: { params: settings, hnsw_config: {}, optimizer_config: { indexing_threshold: 20_000 }, wal_config: {} },
  payload_schema: {},
}
/** Points that came to the collection `verified`, and those of them that are not what they should be. */
const verified = { points: 0, wrong: 0 }

const server = createServer((socket) => {
  let head = Buffer.alloc(0)
  let left = 0
  let request
  let kept = []
  const answered = () => {
    socket.cork()
    for (const part of answerOf(request, kept)) socket.write(part)
    socket.uncork()
    kept = []
  }
  socket.setNoDelay(true)
  socket.on('error', () => {}) // contenders end as they please
  socket.on('data', (chunk) => {
    let rest = chunk
    while (rest.length > 0) {
      if (left > 0) {
        const part = rest.subarray(0, left)
        if (request.isKept) kept.push(Buffer.from(part))
        left -= part.length
        rest = rest.subarray(part.length)
        if (left === 0) answered()
        continue
      }
      head = Buffer.concat([head, rest])
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      const text = head.toString('latin1', 0, end)
      const [, method, path] = /^(\w+) (\S+)/.exec(text)
      request = { method, path, isKept: method === 'POST' || path.includes('/verified') }
      left = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0)
      rest = head.subarray(end + 4)
      head = Buffer.alloc(0)
      if (left === 0) answered()
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))

function answerOf({ method, path }, kept) {
  if (path === '/') return whole({ title: 'qdrant - vector search engine', version: '1.18.0' })
  if (path === '/verified') return result(verified)
  if (method === 'GET') return result(collection)
  if (path.endsWith('/count')) return result({ count: 0 })
  if (method === 'PUT') {
    if (path.includes('/verified')) verify(JSON.parse(Buffer.concat(kept).toString()).points)
    return result({ operation_id: 1, status: 'completed' })
  }
  const { offset = 0, limit = 10 } = JSON.parse(Buffer.concat(kept).toString())
  const [, count] = /\/upTo(\d+)\//.exec(path) ?? []
  return pointsFrom(offset ?? 0, Math.min((offset ?? 0) + limit, Number(count)), Number(count))
}

function pointsFrom(from, to, count) {
  const parts = [Buffer.from('{"result":{"points":[')]
  for (let id = from; id < to; id++) {
    parts.push(
      Buffer.from(`${id === from ? '' : ','}{"id":${id},"payload":{"thread":"thread-${id}","step":${id % 10}}`),
    )
    parts.push(texts[id % texts.length])
  }
  parts.push(Buffer.from(`],"next_page_offset":${to < count ? to : null}},"status":"ok","time":0.001}`))
  return [header(parts.reduce((sum, part) => sum + part.length, 0)), ...parts]
}

function result(value) {
  return whole({ result: value, status: 'ok', time: 0.001 })
}

function whole(value) {
  const body = Buffer.from(JSON.stringify(value))
  return [header(body.length), body]
}

function header(length) {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}

function verify(points) {
  for (const { id, vector } of points) {
    const wanted = vectorAt(vectors, id)
    verified.points++
    if (vector.length !== wanted.length || vector.some((value, i) => !Object.is(Math.fround(value), wanted[i]))) {
      verified.wrong++
    }
  }
}

/** As Qdrant prints it: the fewest digits that give the same float32. */
function shortest(value) {
  for (let digits = 6; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits))
    if (Math.fround(near) === value) return near
  }
  return Number(value.toPrecision(9))
}
