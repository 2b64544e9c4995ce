/** Without what says nothing of the checkpoint: how its first saver wrote it, and when. */
export function comparableDocument(text: string | null): unknown {
  if (text?.startsWith('{') !== true) return text
  const { checkpoint_ts: _, has_writes: __, ...document } = JSON.parse(text)
  if (document.checkpoint !== undefined) delete document.checkpoint.type
  return document
}
