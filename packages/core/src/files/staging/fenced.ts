import { DroverError } from '../../errors/drover-error.js'

/** Somebody else claimed a partition of an output. */
export function fenced(output: string, partition: string): DroverError {
  return new DroverError(
    'FENCED',
    `${output}: another process claimed partition "${partition}"; this commit was refused and left nothing. Nothing is to be done if that process goes on with the run.`,
  )
}
