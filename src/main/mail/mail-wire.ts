import { StoreRefusal, type RefusalCode } from '../../storage/refusal.ts'
import { type ByteStream, ConnectionLost } from '../../net/byte-stream.ts'
import type { MailOrder, SessionOrder } from './mail-order.ts'

/**
 * What is said on the socket between a process that talks to strangers and one that has a user's rights. A line of JSON each way
 * (an order, an answer); then a session's own bytes, or frames of a delivery:
 *
 *   B LF                begin; what went wrong is the answer to F
 *   D LENGTH LF bytes   part of the message
 *   F LF                finish: answered by a line of JSON
 *
 * Closing before F takes the message back; after the answer to F comes the order of the next delivery, or the end. A task's input
 * comes in the same frames; what is said of it are lines of JSON.
 *
 * A session says the OK to its login itself, behind the answer. Sessions whose connection is given away share one pipe (`ToSessionPipe`), which carries the connections too.
 */
export const WIRE_LIMITS = {
  /** An order: fields of a userdb and forwarded ones. */
  orderBytes: 1024 * 1024,
  answerBytes: 64 * 1024,
  /** A process that is asked answers within this time, opening a mailbox included. */
  answerMs: 60_000,
  frameBytes: 256 * 1024,
  /** What one row of a listing may have: a whole message, written as JSON. */
  rowBytes: 512 * 1024 * 1024,
} as const

export type MailAnswer = { readonly kind: 'ready'; readonly pid: number } | { readonly kind: 'done' } | MailRefusal

export type MailRefusal =
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }
  /** The log knows. */
  | { readonly kind: 'failed' }

/** Where sessions are handed over, beside the socket of a mail worker. */
export function sessionPipePath(path: string): string {
  return `${path}.sessions`
}

/** What is said of sessions that are handed over, each with a number of its own. */
export type ToSessionPipe =
  /** Comes with the connection; `unread` is what was read of it already, in Base64. */
  | {
      readonly kind: 'order'
      readonly id: number
      readonly order: SessionOrder
      readonly unread: string
    }
  /** The session has to end. */
  | { readonly kind: 'kick'; readonly id: number }

export type FromSessionPipe =
  /** First: somebody looks at what comes over this pipe. */
  | { readonly kind: 'hello' }
  /** The clients of these have their OK. */
  | {
      readonly kind: 'begun'
      readonly ids: readonly number[]
      readonly pid: number
    }
  /** Nothing was done with its connection. */
  | {
      readonly kind: 'refused'
      readonly id: number
      readonly answer: MailRefusal
    }
  | { readonly kind: 'ended'; readonly ids: readonly number[] }
  /** Takes no more orders, but answers those it has. */
  | { readonly kind: 'leaving' }

/** The other side has ended, or takes no more orders; it has done nothing for this one. */
export class MailWorkerLost extends Error {
  override readonly name = 'MailWorkerLost'
}

export function sayLine(stream: ByteStream, value: MailOrder | MailAnswer): void {
  stream.write(Buffer.from(`${JSON.stringify(value)}\n`))
}

/** The next line; rejects when the other side leaves or says what is none. */
export async function hearLine(stream: ByteStream, limit: number): Promise<unknown> {
  const line = await hearNextLine(stream, limit)
  if (line === undefined) throw new Error('the connection was closed')
  return line
}

/** The next line; `undefined` when the other side has left. */
export async function hearNextLine(stream: ByteStream, limit: number): Promise<unknown> {
  const line = await stream.readLine(limit)
  return line === undefined ? undefined : JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))
}

/** Both sides are ours: only the shape of what they may have sent is told apart. Throws MailWorkerLost when the other side left. */
export async function hearAnswer(stream: ByteStream): Promise<MailAnswer> {
  stream.setDeadline(WIRE_LIMITS.answerMs)
  const answer = await hearLineOrEnd(stream, WIRE_LIMITS.answerBytes)
  stream.setDeadline(undefined)
  if (answer === undefined) throw new MailWorkerLost('the mail worker left')
  return answer as MailAnswer
}

/** The same, also when the connection broke. */
export async function hearLineOrEnd(stream: ByteStream, limit: number): Promise<unknown> {
  try {
    return await hearNextLine(stream, limit)
  } catch (error) {
    if (error instanceof ConnectionLost) return undefined
    throw error
  }
}

/** Throws what a refusal or a failure at the other side was. */
export function throwUnlessDone(answer: MailAnswer): void {
  if (answer.kind === 'done') return
  if (answer.kind === 'ready') throw new Error('an answer that does not fit')
  throw refusalFrom(answer)
}

/** The same for whoever rejects with it. */
export function refusalFrom(answer: MailRefusal): StoreRefusal {
  if (answer.kind === 'refused') return new StoreRefusal(answer.code, answer.text)
  return new StoreRefusal('temporary', 'Temporary internal error')
}

/** What a fault or refusal looks like to the other side. */
export function answerTo(error: unknown): MailRefusal {
  if (error instanceof StoreRefusal) return { kind: 'refused', code: error.code, text: error.message }
  return { kind: 'failed' }
}
