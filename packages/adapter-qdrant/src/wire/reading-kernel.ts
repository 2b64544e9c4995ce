import { float32Kernel } from './float32-kernel.js'

/** Reads numbers that lie in memory of its own; see float32-kernel.wat. */
export interface ReadingKernel {
  /** Makes room for the bytes of a list, and for as many numbers as it can hold. */
  room(bytes: number): KernelRoom
  /** Reads what is common from `at` on, writes to `out`, and answers where it would write the next one. */
  read(at: number, out: number): number
  /** Where that ended: behind the list, or at a number that is not common. */
  stopped(): number
}

export interface KernelRoom {
  readonly heap: Buffer
  /** The same memory. */
  readonly floats: Float32Array
  /** Where the list is to be put. */
  readonly list: number
  /** Where numbers are written. */
  readonly out: number
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  readonly stopped: { readonly value: number }
  setTable(): void
  read(at: number, out: number): number
}

/** As far as it is needed; Node's types have none. */
interface WebAssemblyLike {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

const pageBytes = 65_536
/** Behind the kernel's tables. */
const out = 256

/** The kernel, or one that finds nothing common where there is no WebAssembly (`node --jitless`), or none with vectors of 128 bits. */
export function openKernel({ WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyLike }): ReadingKernel {
  const exports = WebAssembly === undefined ? undefined : instanceOf(WebAssembly)
  if (exports === undefined) return slowKernel()
  const { memory, stopped } = exports
  exports.setTable()
  let room = roomIn(memory.buffer)
  return {
    room(bytes) {
      const list = listPlace(bytes)
      const wanted = list + bytes + 16
      if (wanted > memory.buffer.byteLength) {
        memory.grow(Math.ceil((wanted - memory.buffer.byteLength) / pageBytes))
        room = roomIn(memory.buffer)
      }
      return { ...room, list, out }
    },
    read: exports.read,
    stopped: () => stopped.value,
  }
}

function instanceOf({ Module, Instance }: WebAssemblyLike): Exports | undefined {
  try {
    return new Instance(new Module(Buffer.from(float32Kernel, 'base64'))).exports as Exports
  } catch {
    return undefined // a processor without such vectors
  }
}

function slowKernel(): ReadingKernel {
  let room = roomIn(new ArrayBuffer(pageBytes))
  let stopped = 0
  return {
    room(bytes) {
      const list = listPlace(bytes)
      const wanted = list + bytes
      if (wanted > room.heap.length) room = roomIn(new ArrayBuffer(wanted * 2))
      return { ...room, list, out }
    },
    read(at, last) {
      stopped = at
      return last
    },
    stopped: () => stopped,
  }
}

function roomIn(memory: ArrayBuffer): Pick<KernelRoom, 'heap' | 'floats'> {
  return { heap: Buffer.from(memory), floats: new Float32Array(memory, 0, memory.byteLength >> 2) }
}

/** Behind the numbers: there are at least two bytes to each of four, and the next one begins at a multiple of four. */
function listPlace(bytes: number): number {
  return out + bytes * 2 + 4
}
