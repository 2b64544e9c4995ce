/**
 * The calls behind `Buffer.toString` and `write`, which look at their arguments first: for the short texts of rows that counts.
 * Node has had them for long without documenting them.
 */
interface NativeText {
  utf8Slice(start: number, end: number): string
  latin1Slice(start: number, end: number): string
  utf8Write(text: string, at: number, length: number): number
}

export function readUtf8(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & NativeText).utf8Slice(start, end)
}

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & NativeText).latin1Slice(start, end)
}

/** Gives the number of bytes; those that have no room are lost. */
export function writeUtf8(bytes: Buffer, text: string, at: number): number {
  return (bytes as Buffer & NativeText).utf8Write(text, at, bytes.length - at)
}
