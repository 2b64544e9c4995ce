import { choice, either, list, object, text } from '../shape/shape.js'

/** What the sinks of databases have in common. */
export const onConflict = either(
  [choice(['error', 'skip', 'update']), object({ merge: list(text(), undefined, 1) }, ['merge'])],
  'What becomes of a row whose key is there already: its record is refused, the row is left alone, or it replaces all other columns, or those named by merge. Default: error.',
)
