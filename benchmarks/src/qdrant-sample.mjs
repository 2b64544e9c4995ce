/** The vectors of a file of float32, one after the other. */
export function sampleVectors(bytes, dimensions) {
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  return Array.from({ length: floats.length / dimensions }, (_, i) =>
    floats.subarray(i * dimensions, (i + 1) * dimensions),
  )
}

/** There are fewer vectors than points: they come round again. */
export function vectorAt(vectors, id) {
  return vectors[id % vectors.length]
}

/** What a point has beside its vector. */
export function payloadOf(id) {
  return { thread: `thread-${id}`, step: id % 10 }
}
