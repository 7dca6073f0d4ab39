import { parseAddresses } from '../storage/message/address.ts'
import { decodeWords } from '../storage/message/encoded-word.ts'

/** What the log wants to know of a message that passes by: some fields of its header, its size. */

/** A header that is longer is not looked at any further. */
export const HEADER_BYTES = 64 * 1024

export class MessageFacts {
  sizeBytes = 0
  #header: Buffer[] = []
  #headerBytes = 0

  push(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length
    const room = HEADER_BYTES - this.#headerBytes
    if (room <= 0) return
    const part = Buffer.from(chunk.subarray(0, room))
    this.#header.push(part)
    this.#headerBytes += part.length
  }

  /** `<...>` of the Message-ID, without white space and quotes; empty when there is none that has an `@`. */
  get messageId(): string {
    const id = /<([^<>]*@[^<>]*)>/.exec(this.field('message-id'))?.[1]
    return id === undefined ? '' : `<${id.replaceAll(/[\s"]/g, '')}>`
  }

  /** As text. */
  get subject(): string {
    return decodeWords(this.field('subject'))
  }

  /** The first address of a field; empty when that is no address. */
  address(name: string): string {
    const [first] = parseAddresses(this.field(name))
    const { mailbox, domain } = first ?? {}
    if (mailbox === undefined || domain === undefined || [mailbox, domain].some((part) => NO_ADDRESS.has(part)))
      return ''
    return `${mailbox}@${domain}`
  }

  /** The first field of this name, unfolded, latin1 held; empty when there is none. */
  field(name: string): string {
    const text = this.#text()
    const match = new RegExp(`(?:^|\\n)${escaped(name)}[ \\t]*:((?:[^\\n]|\\n[ \\t])*)`, 'i').exec(text)
    return match?.[1]?.replaceAll(/\r?\n[ \t]/g, ' ').trim() ?? ''
  }

  #text(): string {
    const text = Buffer.concat(this.#header).toString('latin1')
    const end = /\n\r?\n/.exec(text)
    return end === null ? text : text.slice(0, end.index)
  }
}

/** A setting may name any header. */
function escaped(name: string): string {
  return name.replaceAll(/[^\w-]/g, String.raw`\$&`)
}

/** What the parser calls parts that are not there or cannot be read. */
const NO_ADDRESS: ReadonlySet<string> = new Set(['', 'MISSING_MAILBOX', 'MISSING_DOMAIN', 'SYNTAX_ERROR'])
