import { Unreadable } from '../unreadable.js'
import type { ByteCursor } from './byte-cursor.js'

/** Steps over one value without making anything of it: extensions as a whole, whatever they hold. @throws Unreadable */
export function skipMsgpack(cursor: ByteCursor): void {
  // Values that are still to come: a list adds its elements, so no depth can break it.
  for (let left = 1; left > 0; left--) left += skipOne(cursor)
}

/** Steps over a value, or over the head of a list or map; gives how many values follow that belong to it. */
function skipOne(cursor: ByteCursor): number {
  const first = cursor.byte()
  if (first < 0x80 || first >= 0xe0) return 0
  if (first < 0x90) return entries(first & 0x0f, cursor)
  if (first < 0xa0) return elements(first & 0x0f, cursor)
  if (first < 0xc0) return over(first & 0x1f, cursor)
  switch (first) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 0
    case 0xc4:
    case 0xd9:
      return over(cursor.uint(1), cursor)
    case 0xc5:
    case 0xda:
      return over(cursor.uint(2), cursor)
    case 0xc6:
    case 0xdb:
      return over(cursor.uint(4), cursor)
    // The code of an extension is one byte more.
    case 0xc7:
      return over(cursor.uint(1) + 1, cursor)
    case 0xc8:
      return over(cursor.uint(2) + 1, cursor)
    case 0xc9:
      return over(cursor.uint(4) + 1, cursor)
    case 0xcc:
    case 0xd0:
      return over(1, cursor)
    case 0xcd:
    case 0xd1:
      return over(2, cursor)
    case 0xca:
    case 0xce:
    case 0xd2:
      return over(4, cursor)
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return over(8, cursor)
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return over((1 << (first - 0xd4)) + 1, cursor)
    case 0xdc:
      return elements(cursor.uint(2), cursor)
    case 0xdd:
      return elements(cursor.uint(4), cursor)
    case 0xde:
      return entries(cursor.uint(2), cursor)
    case 0xdf:
      return entries(cursor.uint(4), cursor)
    default:
      throw new Unreadable('no value begins with the byte 0xc1', cursor.at - 1)
  }
}

function over(length: number, cursor: ByteCursor): 0 {
  cursor.take(length, `a value of ${length} bytes`)
  return 0
}

function elements(count: number, cursor: ByteCursor): number {
  cursor.checkCount(count, 1, 'a list')
  return count
}

function entries(count: number, cursor: ByteCursor): number {
  cursor.checkCount(count, 2, 'a map')
  return count * 2
}
