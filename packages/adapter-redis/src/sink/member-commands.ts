import { type Row, shownValue, ValueRefused } from '@drover/core'
import type { RedisType } from '../source/redis-record.js'
import type { CommandBuffer } from './command-buffer.js'
import { fieldText } from './field-text.js'

/** One MSET for many that do not expire. */
export function writeString(value: string | Uint8Array, expiry: number | null, key: number, out: CommandBuffer): void {
  if (expiry === null) {
    if (!out.takes('MSET', 2)) out.open('MSET')
    out.key(key)
    out.value(value)
    return
  }
  out.open('SET')
  out.key(key)
  out.value(value)
  if (!out.takes('SET', 2)) {
    out.open('PEXPIREAT')
    out.key(key)
  } else out.add('PXAT')
  out.add(String(expiry))
}

/** Members of a list, or a set. @throws ValueRefused */
export function writeMembers(command: 'RPUSH' | 'SADD', members: readonly unknown[], key: number, out: CommandBuffer) {
  if (members.length === 0) refuseEmpty(command === 'SADD' ? 'set' : 'list')
  out.close()
  eachMember(members, (member) => {
    if (!out.takes(command, 1)) {
      out.open(command)
      out.key(key)
    }
    out.value(fieldText(member))
  })
}

/** Members of a sorted set: `{ member, score }`, or pairs. @throws ValueRefused */
export function writeScored(members: readonly unknown[], key: number, out: CommandBuffer): void {
  if (members.length === 0) refuseEmpty('zset')
  out.close()
  eachMember(members, (one) => {
    const [member, score] = Array.isArray(one) ? one : [(Object(one) as Row).member, (Object(one) as Row).score]
    if (!out.takes('ZADD', 2)) {
      out.open('ZADD')
      out.key(key)
    }
    out.add(scoreText(score))
    out.value(fieldText(member))
  })
}

export function refuseEmpty(type: RedisType): never {
  throw new ValueRefused(
    `an empty ${type}`,
    'Redis holds none: a key without members is no key. Leave it out in a step.',
  )
}

function scoreText(score: unknown): string {
  if (score === Infinity) return '+inf'
  if (score === -Infinity) return '-inf'
  if (typeof score === 'number' && !Number.isNaN(score)) return Object.is(score, -0) ? '-0' : String(score)
  if (typeof score === 'bigint' && isDouble(score)) return String(score)
  const what = score === undefined ? 'not there' : shownValue(score)
  throw new ValueRefused(`a score that is ${what}`, 'It takes a number that a double holds.')
}

/** As it is, or in the fewest digits that tell a double from others: JSON has 2^60 as 1152921504606847000, also what comes out of jsonb. */
function isDouble(integer: bigint): boolean {
  const number = Number(integer)
  if (!Number.isFinite(number)) return false
  if (BigInt(number) === integer) return true
  const [digits = '', exponent = ''] = number.toExponential().split('e')
  const zeros = Number(exponent) - (digits.split('.')[1]?.length ?? 0)
  return zeros >= 0 && BigInt(digits.replace('.', '')) * 10n ** BigInt(zeros) === integer
}

/** @throws ValueRefused that says at which place */
function eachMember(members: readonly unknown[], work: (member: unknown) => void): void {
  let i = 0
  try {
    for (; i < members.length; i++) work(members[i])
  } catch (error) {
    throw error instanceof ValueRefused ? error.within(`[${i}]`) : error
  }
}
