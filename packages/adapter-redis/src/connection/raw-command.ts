import { Command } from 'ioredis'

/** What an argument of a command may be: a text is sent as UTF-8. */
export type Argument = string | number | Uint8Array

/** What a server answers, as it came: texts are bytes. In answers to several commands an error stands in its place. */
export type Reply = Buffer | number | null | Error | Reply[]

/** A command whose answer is left as bytes, whatever the client does to answers otherwise. */
export class RawCommand extends Command {
  constructor(name: string, args: readonly Argument[]) {
    super(name, args.map(plain))
  }

  override transformReply(result: Buffer | Buffer[]): Buffer | Buffer[] {
    return result
  }

  /** The answer. */
  get reply(): Promise<Reply> {
    return this.promise as unknown as Promise<Reply>
  }
}

/** ioredis knows bytes as Buffers only. */
function plain(argument: Argument): string | Buffer {
  if (typeof argument === 'string') return argument
  if (typeof argument === 'number') return String(argument)
  return Buffer.isBuffer(argument) ? argument : Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength)
}
