import type { Argument } from '../../wire/argument-reader.ts'
import type { Output } from '../output.ts'
import type { ResponseSink } from './connection.ts'
import { REMOTE_LIMITS } from './limits.ts'
import { isMailboxData, parseResponse, textOf } from './response.ts'

/** Hands on to the client what is about its selected mailbox, and nothing else. */
export function clientSink(out: Output, isSelected: boolean): ResponseSink {
  return {
    // RFC 3501 §7.1: an alert must reach the user, whatever it came with.
    choose: (line) => ((isSelected && isMailboxData(line)) || /^\* OK \[ALERT\]/i.test(line) ? 'pass' : 'drop'),
    text: (text) => out.text(text),
    bytes: (bytes) => out.bytes(bytes),
    drained: () => (out.full ? out.drained() : undefined),
    gathered: () => undefined,
  }
}

/** Keeps responses with these names; the rest goes to the client as with `clientSink`. */
export class AnswerSink implements ResponseSink {
  /** What follows the name. */
  readonly answers: { readonly name: string; readonly args: readonly Argument[] }[] = []
  readonly #names: ReadonlySet<string>
  readonly #client: ResponseSink

  constructor(names: readonly string[], client: ResponseSink) {
    this.#names = new Set(names)
    this.#client = client
  }

  choose(line: string): ReturnType<ResponseSink['choose']> {
    const end = line.indexOf(' ', 2)
    const name = (end < 0 ? line.slice(2) : line.slice(2, end)).toUpperCase()
    if (!this.#names.has(name)) return this.#client.choose(line)
    return this.answers.length < REMOTE_LIMITS.responses ? 'gather' : 'drop'
  }

  text(text: string): void {
    this.#client.text(text)
  }

  bytes(bytes: Buffer): void {
    this.#client.bytes(bytes)
  }

  drained(): void | Promise<void> {
    return this.#client.drained()
  }

  gathered(parts: readonly string[]): void {
    const args = parseResponse(parts)
    const name = textOf(args?.[0])?.toUpperCase()
    // What cannot be read is as good as not said.
    if (args !== undefined && name !== undefined) this.answers.push({ name, args: args.slice(1) })
  }
}
