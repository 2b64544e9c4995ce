/** Slots of a cluster. */
export const slots = 16_384

const table = new Uint16Array(256).map((_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** In which slot of a cluster a key lies: CRC-16/XMODEM of what stands between its first braces, or of all of it. */
export function keySlot(key: Uint8Array): number {
  let from = 0
  let to = key.length
  const open = key.indexOf(0x7b)
  if (open >= 0) {
    const close = key.indexOf(0x7d, open + 1)
    if (close > open + 1) {
      from = open + 1
      to = close
    }
  }
  let crc = 0
  for (let at = from; at < to; at++) crc = ((crc << 8) & 0xffff) ^ (table[((crc >> 8) ^ (key[at] ?? 0)) & 0xff] ?? 0)
  return crc % slots
}
