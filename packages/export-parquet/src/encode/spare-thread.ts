import {
  type Encoded,
  type EncodePlace,
  type EncodeRequest,
  type EncodingFailure,
  startThread,
} from './encode-thread.js'

/** The library's memory stays for so long, in case another output is written: to start a thread takes longer than a small file. */
const keptMs = 5_000

interface Spare {
  readonly thread: EncodePlace
  readonly timer: NodeJS.Timeout
}

let spare: Spare | undefined

/** A thread that nobody works with any more, or a new one. @throws what keeps threads from starting */
export async function borrowThread(): Promise<EncodePlace> {
  const found = spare
  spare = undefined
  clearTimeout(found?.timer)
  if (found === undefined || found.thread.isDead === true) return new BorrowedThread(await startThread())
  return new BorrowedThread(found.thread)
}

/** Given back when it is closed, if it is in order. */
class BorrowedThread implements EncodePlace {
  /** In the middle of a request, or broken by one. */
  #isUsable = true

  constructor(private readonly thread: EncodePlace) {}

  async encode(request: EncodeRequest): Promise<Encoded | EncodingFailure> {
    this.#isUsable = false
    const answer = await this.thread.encode(request)
    this.#isUsable = 'files' in answer
    return answer
  }

  async close(): Promise<void> {
    const isKept = this.#isUsable && spare === undefined
    this.#isUsable = false
    if (!isKept) return this.thread.close()
    const { thread } = this
    const timer = setTimeout(() => {
      if (spare?.thread === thread) spare = undefined
      void thread.close()
    }, keptMs)
    timer.unref()
    spare = { thread, timer }
  }
}
