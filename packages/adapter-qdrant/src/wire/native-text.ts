/** Behind `Buffer.write`, which looks at its arguments first. Node has had them for long without documenting them. */
interface NativeText {
  latin1Write(text: string, at: number, length: number): number
  utf8Write(text: string, at: number, length: number): number
}

/** Writes a text of characters below 256, and says where it ends. There must be room for it. */
export function writeLatin1(text: string, into: Buffer, at: number): number {
  return at + (into as Buffer & NativeText).latin1Write(text, at, text.length)
}

/** Writes a text as UTF-8, and says where it ends. There must be room for three bytes per character. */
export function writeUtf8(text: string, into: Buffer, at: number): number {
  return at + (into as Buffer & NativeText).utf8Write(text, at, into.length - at)
}
