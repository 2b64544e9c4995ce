import { DroverError } from '../../errors/drover-error.js'

/** Somebody else claimed a partition of an output. */
export function fenced(output: string, partition: string): DroverError {
  return new DroverError(
    'FENCED',
    `${output}: another process claimed partition "${partition}"; this commit was refused and left nothing. Nothing is to be done if that process goes on with the run; if it is another pipeline's, give each a file of its own.`,
  )
}

/** A later run writes the output, or has written it. */
export function retired(output: string, folder: string): DroverError {
  return new DroverError(
    'FENCED',
    `${output}: a later run has begun to write it, so this one cannot go on. If they are two pipelines, give each a file of its own; to let this one have it, delete ${folder}.`,
  )
}
