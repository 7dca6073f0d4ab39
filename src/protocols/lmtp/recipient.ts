import { formatAddress, formatPath, type Address } from '../smtp/wire/path.ts'

/** A recipient of a transaction, from its RCPT to what became of the mail. */
export class Recipient {
  /** `SESSION`, `SESSION:R2` ... */
  readonly id: string
  /** As the client named it. */
  readonly address: Address
  /** As the client sent it, xtext and all; undefined when it did not. */
  readonly orcpt: string | undefined
  /** Fields of a trusted proxy for the next hop. */
  readonly forward: ReadonlyMap<string, string>
  /** How it is called at its destination, and which fields go there. */
  target: RecipientTarget
  /** Among the recipients the message goes to, from 1; known when the message comes. */
  place: { readonly number: number; readonly of: number } = { number: 0, of: 0 }
  readonly #reply = Promise.withResolvers<string>()

  constructor(start: {
    id: string
    address: Address
    orcpt?: string | undefined
    forward: ReadonlyMap<string, string>
  }) {
    this.id = start.id
    this.address = start.address
    this.orcpt = start.orcpt
    this.forward = start.forward
    this.target = { address: start.address, forward: NO_FIELDS }
  }

  /** `<joe@example.org>`, latin1 held. */
  get path(): string {
    return formatPath(this.address)
  }

  /** `joe@example.org`, latin1 held. */
  get name(): string {
    return formatAddress(this.address)
  }

  /** What the client is told after the message: complete reply lines. */
  get reply(): Promise<string> {
    return this.#reply.promise
  }

  /** The first call counts. */
  finish(reply: string): void {
    this.#reply.resolve(reply)
  }
}

export interface RecipientTarget {
  readonly address: Address
  /** null is a field without a value. */
  readonly forward: ReadonlyMap<string, string | null>
}

const NO_FIELDS: ReadonlyMap<string, string | null> = new Map()

/** A local part at the first of the delimiters: `joe`, `+`, `detail`. */
export function splitDetail(
  localPart: string,
  delimiters: string,
): { readonly local: string; readonly detail: string } {
  for (let at = 0; at < localPart.length; at++) {
    if (delimiters.includes(localPart.charAt(at))) return { local: localPart.slice(0, at), detail: localPart.slice(at) }
  }
  return { local: localPart, detail: '' }
}
