import { instant, list, type ObjectShape, object, text } from '../shape/shape.js'

/** What the filters of checkpoints and messages are, in every form of file. */
export const checkpointFiltersShape: ObjectShape = object(
  {
    thread_id: text('One thread, by its id.'),
    thread_pattern: text('Threads by a pattern: customer-*'),
    date_from: instant('From when on: an instant, or a day, of ISO 8601.'),
    date_to: instant('Until when, inclusive: a day is meant as a whole, in UTC.'),
    exclude_threads: list(text(), 'Threads that are left out: ids and patterns.'),
  },
  [],
  'Which records to take. Those of a layout without times cannot be chosen by date.',
)
