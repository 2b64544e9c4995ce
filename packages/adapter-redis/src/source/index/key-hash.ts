/**
 * MurmurHash3 (x86, 32 bits, seed 0; Austin Appleby, public domain) of all bytes of a key. Its upper bits are as good as its lower ones, so
 * ranges of it hold about as many keys each, whatever keys are called. It is part of what cursors mean: it never changes.
 */
export function hashKey(key: Uint8Array): number {
  const length = key.length
  const words = length & ~3
  let hash = 0
  for (let at = 0; at < words; at += 4) {
    const word =
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24)
    hash ^= mixed(word)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let at = length - 1; at >= words; at--) rest = (rest << 8) | (key[at] as number)
  if (length > words) hash ^= mixed(rest)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function mixed(word: number): number {
  const one = Math.imul(word, 0xcc9e2d51)
  return Math.imul((one << 15) | (one >>> 17), 0x1b873593)
}

/** Places of keys in the order in which they are read: by hash, then by bytes. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return hashKey(a) - hashKey(b) || Buffer.compare(a, b)
}
