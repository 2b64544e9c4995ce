import { ValueRefused } from '@drover/core'
import { grown, mostBytes, writeBytes, writeText } from './utf8.js'

/** What a Redis string, and one argument of a command, can hold: `proto-max-bulk-len` as servers come. */
const mostValueBytes = 512 * 1024 * 1024
/** Lua takes about 8,000 values from a table at once (LUAI_MAXCSTACK). */
const mostArguments = 4_000
/** A larger value is an argument of the script by itself: it is not copied, and one part never grows beyond what an argument can hold. */
const largeBytes = 64 * 1024
/** The script unpacks one part after the other. */
const partBytes = 1024 * 1024
const startBytes = 64 * 1024
/** What a buffer may keep for the next batch. */
const keptBytes = 16 * 1024 * 1024

/**
 * Commands for a script to run, in MessagePack, which scripts unpack in native code: a part is a list of commands, a command is a list of texts.
 * An integer in it stands for the key of that number among the script's keys, or, below zero and at the end, for a large value.
 */
export class CommandBuffer {
  #bytes: Buffer = Buffer.allocUnsafeSlow(startBytes)
  #at = 0
  #parts: { readonly start: number; readonly end: number }[] = []
  #large: Uint8Array[] = []
  #part = -1
  #commands = 0
  #command = -1
  #arguments = 0
  /** What the open command is, for who can add to it. */
  #name = ''
  #isFull = false
  /** Of all commands that ever were in it. */
  readonly names = new Set<string>()

  /** Forgets everything. */
  clear(): void {
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(startBytes)
    this.#at = 0
    this.#parts = []
    this.#large = []
    this.#part = -1
    this.#commands = 0
    this.#command = -1
    this.#name = ''
  }

  get size(): number {
    return this.#at
  }

  /** The parts, and the large values: arguments of the script, in this order. */
  end(): { readonly parts: readonly Uint8Array[]; readonly large: readonly Uint8Array[] } {
    this.close()
    this.#closePart()
    return { parts: this.#parts.map(({ start, end }) => this.#bytes.subarray(start, end)), large: this.#large }
  }

  /** Whether a command of this name is open and takes so many more arguments. */
  takes(name: string, more: number): boolean {
    return this.#name === name && !this.#isFull && this.#arguments + more <= mostArguments
  }

  open(name: string): void {
    this.close()
    if (this.#part < 0) {
      this.#reserve(5)
      this.#part = this.#at
      this.#at += 5
      this.#commands = 0
    }
    this.#reserve(5)
    this.#command = this.#at
    this.#at += 5
    this.#arguments = 0
    this.#isFull = false
    this.add(name)
    this.#name = name
    this.names.add(name)
  }

  /** Ends the open command, if one is. */
  close(): void {
    if (this.#command < 0) return
    refuseTooLarge(this.#at - this.#command)
    this.#list(this.#command, this.#arguments)
    this.#commands++
    this.#command = -1
    this.#name = ''
    if (this.#at - this.#part > partBytes) this.#closePart()
  }

  /** An argument behind which others may come. @throws ValueRefused */
  add(argument: string | Uint8Array): void {
    if (typeof argument !== 'string') {
      this.#reserve(argument.length + 5)
      this.#text(this.#at, writeBytes(argument, 0, argument.length, this.#bytes, this.#at + 5))
      return
    }
    this.#reserve(mostBytes(argument) + 5)
    const start = this.#at
    this.#text(start, writeText(argument, this.#bytes, start + 5))
  }

  /** The key of that number, counted from 0. */
  key(number: number): void {
    this.#reserve(5)
    // The first key of the script is that of the position, and Lua counts from 1.
    this.#integer(number + 2)
  }

  /** An argument that may be large, and then is the last one of its command: {@link takes} says so. @throws ValueRefused */
  value(value: string | Uint8Array): void {
    if (typeof value === 'string' ? value.length > largeBytes / 3 && this.#isLarge(value) : this.#isLargeBytes(value))
      return
    this.add(value)
  }

  #isLargeBytes(bytes: Uint8Array): boolean {
    if (bytes.length <= largeBytes) return false
    this.#addLarge(bytes)
    return true
  }

  #isLarge(text: string): boolean {
    const size = text.length > mostValueBytes ? text.length : Buffer.byteLength(text)
    if (size <= largeBytes) return false
    refuseTooLarge(size)
    const bytes = Buffer.allocUnsafeSlow(mostBytes(text))
    this.#addLarge(bytes.subarray(0, writeText(text, bytes, 0)))
    return true
  }

  /** It ends its command. */
  #addLarge(bytes: Uint8Array): void {
    refuseTooLarge(bytes.length)
    this.#large.push(bytes)
    this.#reserve(5)
    this.#integer(-this.#large.length)
    this.#isFull = true
  }

  #text(start: number, end: number): void {
    const bytes = this.#bytes
    const size = end - start - 5
    bytes[start] = 0xdb
    bytes[start + 1] = size >>> 24
    bytes[start + 2] = size >>> 16
    bytes[start + 3] = size >>> 8
    bytes[start + 4] = size
    this.#at = end
    this.#arguments++
  }

  #integer(value: number): void {
    const bytes = this.#bytes
    const at = this.#at
    bytes[at] = 0xd2
    bytes[at + 1] = value >>> 24
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 8
    bytes[at + 4] = value
    this.#at = at + 5
    this.#arguments++
  }

  #closePart(): void {
    if (this.#part < 0) return
    this.#list(this.#part, this.#commands)
    this.#parts.push({ start: this.#part, end: this.#at })
    this.#part = -1
  }

  #list(start: number, length: number): void {
    this.#bytes[start] = 0xdd
    this.#bytes.writeUInt32BE(length, start + 1)
  }

  #reserve(size: number): void {
    if (this.#at + size > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#at, this.#at + size)
  }
}

function refuseTooLarge(size: number): void {
  if (size <= mostValueBytes) return
  throw new ValueRefused(`a value of ${size} bytes`, `Redis holds ${mostValueBytes} at the most: shorten it in a step.`)
}
