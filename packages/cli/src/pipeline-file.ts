import path from 'node:path'
import { DroverError } from '@drover/core'
import { type DocumentParts, documentParts, isDocument } from './document/document-parts.js'
import type { FileProblems } from './file/file-problems.js'
import { type Given, type GivenMap, withVariables } from './file/given.js'
import { readYamlFile, whatItHolds } from './file/yaml-file.js'
import { pipelineShape } from './pipeline-shape.js'
import { placeOf, ShapeChecker } from './shape/check-shape.js'

/** A part of a file that says by `type` or `module` what it is. */
export interface ChosenPart {
  readonly type?: string
  readonly module?: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly [option: string]: unknown
}

/** A pipeline's file, read and checked: its names and values are those that a file may have. */
export interface PipelineFile {
  readonly path: string
  /** That modules are relative to. */
  readonly folder: string
  readonly parts: PipelineParts
  /** That a run of it is to write nothing. */
  readonly isDryRun: boolean
  /** That its variables, and what it leaves to variables, are taken from. */
  readonly env: NodeJS.ProcessEnv
  /** An error about one part, with its line and column. */
  readonly error: (at: readonly (string | number)[], error: unknown) => DroverError
  /** A message with the variables of the file in place of what they stand for. */
  readonly hide: (message: string) => string
}

/** What it holds; everything else is an option of the run by its own name. */
export interface PipelineParts {
  readonly name?: string
  readonly source?: ChosenPart
  readonly filter?: object
  readonly transform?: readonly ChosenPart[]
  readonly sink?: ChosenPart
  readonly state?: ChosenPart
  readonly deadLetters?: string | ChosenPart
  readonly stopAfter?: { readonly records?: number; readonly deadline?: string }
  readonly verify?: VerifyPart
  readonly backfills?: readonly (string | BackfillPart)[]
  readonly schema?: SchemaPart
  readonly [option: string]: unknown
}

export interface VerifyPart {
  readonly key?: string | readonly string[]
  readonly [option: string]: unknown
}

/** The database that `drover schema` is about. */
export interface SchemaPart {
  readonly url?: string
  readonly migrations?: string
  readonly tablePrefix?: string
  readonly backups?: string
  readonly models?: string
}

/** A backfill that a file lists. */
export interface BackfillPart {
  readonly module: string
  readonly [option: string]: unknown
}

/**
 * Reads a pipeline's file and checks every name and value in it, without loading or opening anything.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID` (no YAML, no UTF-8, empty), `OPTION_INVALID` with every problem and its place.
 */
export async function readPipelineFile(file: string, env: NodeJS.ProcessEnv = process.env): Promise<PipelineFile> {
  const { given, problems } = await readYamlFile(file, env)
  return checkPipelineFile(file, given, problems, env)
}

/** The same of what was read already. */
export function checkPipelineFile(
  file: string,
  given: Given,
  problems: FileProblems,
  env: NodeJS.ProcessEnv = process.env,
): PipelineFile {
  if (given.kind !== 'map') {
    const what = given.kind === 'list' ? 'a list' : 'a single value'
    throw new DroverError('SOURCE_INVALID', `${problems.said(given.place, `this is ${what}`)}. ${whatItHolds}`)
  }
  const {
    parts,
    isDryRun,
    at: placed,
  } = isDocument(given) ? documentParts(given, problems, 'the file') : ownParts(given, problems)
  const hide = (message: string): string => withVariables(message, given)
  return {
    path: file,
    folder: path.dirname(file),
    parts,
    isDryRun,
    env,
    hide,
    error: (at, error) => {
      const { code, message, cause } = DroverError.from(error, `${at.join('.')} cannot be used`)
      return new DroverError(code, problems.said(placeOf(given, ...placed(at)), hide(message)), {
        cause: cause ?? error,
      })
    },
  }
}

/** What a file says in Drover's own words. */
function ownParts(given: GivenMap, problems: FileProblems): DocumentParts {
  const parts = new ShapeChecker(problems).check(given, pipelineShape, 'the file') as PipelineParts
  problems.refuse()
  return { parts, isDryRun: false, at: (path) => path }
}

/** What refuses the options of a file shows its variables, and not what they stand for. */
export async function hiding<T>(
  file: Pick<PipelineFile, 'hide'> | undefined,
  act: () => T | Promise<T>,
): Promise<Awaited<T>> {
  try {
    return await act()
  } catch (error) {
    if (file === undefined || !DroverError.isInstance(error, 'OPTION_INVALID')) throw error
    throw new DroverError(error.code, file.hide(error.message), { cause: error })
  }
}
