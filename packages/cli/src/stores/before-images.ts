import { flag, whole } from '../shape/shape.js'

/** What the sinks of databases can keep, for `drover undo`. */
export const beforeImages = {
  undo: flag(
    'Keep what rows were before the run changed them, so that `drover undo` can take it back. Default: false.',
  ),
  undoDays: whole(1, 'How many days that is kept. Default: 30.'),
}
