import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { DroverError, suggestNames } from '@drover/core'
import type { Surroundings } from '../terminal/surroundings.js'
import type { Question } from './questions.js'

/** Who answers questions: a person at a terminal, or lines of a pipe. */
export interface Asker extends Disposable {
  /** The answer, which is one of the choices if there are some. */
  ask(question: Question): Promise<string>
}

/** @param orElse What to give where nobody answers, for the message that says so. */
export function askerOf({ stdin, stdout }: Surroundings, orElse: string): Asker {
  if (stdin?.isTTY === true && stdout.isTTY === true) return new TerminalAsker(stdin, stdout as never)
  return new LinesAsker(stdin, orElse)
}

class TerminalAsker implements Asker {
  constructor(
    private readonly input: Readable,
    private readonly output: NodeJS.WriteStream,
  ) {}

  async ask({ message, choices, usual }: Question): Promise<string> {
    const { isCancel, select, text } = await import('@clack/prompts')
    const { input, output } = this
    const answer =
      choices === undefined
        ? await text({
            message,
            input,
            output,
            ...(usual === undefined ? {} : { defaultValue: usual, placeholder: usual }),
            validate: (given) =>
              usual === undefined && (given ?? '').trim() === '' ? 'There has to be one.' : undefined,
          })
        : await select({
            message,
            input,
            output,
            options: choices.map((value) => ({ value, label: value })),
            ...(usual === undefined ? {} : { initialValue: usual }),
          })
    if (isCancel(answer)) throw new DroverError('ABORTED', 'Nothing was written.')
    return String(answer).trim()
  }

  [Symbol.dispose](): void {}
}

/** One line for each question, in their order; an empty one, or none, stands for what is usual. */
class LinesAsker implements Asker {
  readonly #lines: AsyncIterator<string> | undefined
  readonly #close: () => void

  constructor(
    input: Readable | undefined,
    private readonly orElse: string,
  ) {
    const reader = input === undefined ? undefined : createInterface({ input, terminal: false })
    this.#lines = reader?.[Symbol.asyncIterator]()
    this.#close = () => reader?.close()
  }

  async ask({ message, choices, usual }: Question): Promise<string> {
    const { value } = (await this.#lines?.next()) ?? { value: undefined }
    const answer = typeof value === 'string' && value.trim() !== '' ? value.trim() : usual
    if (answer === undefined) throw new DroverError('OPTION_INVALID', `Nobody answers: ${message} ${this.orElse}`)
    if (choices === undefined || choices.includes(answer)) return answer
    throw new DroverError(
      'OPTION_INVALID',
      `${message} There is no ${JSON.stringify(answer)}${suggestNames(answer, choices)}`,
    )
  }

  [Symbol.dispose](): void {
    this.#close()
  }
}
