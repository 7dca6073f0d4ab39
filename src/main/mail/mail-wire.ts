import { StoreRefusal, type RefusalCode } from '../../storage/refusal.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import type { MailOrder } from './mail-order.ts'

/**
 * What is said on the socket between a process that talks to strangers and one that has a user's rights. A line of JSON each way
 * (an order, an answer); then a session's own bytes, or frames of a delivery:
 *
 *   B LF                begin; what went wrong is the answer to F
 *   D LENGTH LF bytes   part of the message
 *   F LF                finish: answered by a line of JSON
 *
 * Closing before F takes the message back. A task's input comes in the same frames; what is said of it are lines of JSON.
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

export type MailAnswer =
  | { readonly kind: 'ready'; readonly pid: number; readonly plugins: readonly string[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }
  /** The log knows. */
  | { readonly kind: 'failed' }

export function sayLine(stream: ByteStream, value: MailOrder | MailAnswer): void {
  stream.write(Buffer.from(`${JSON.stringify(value)}\n`))
}

/** The next line; rejects when the other side leaves or says what is none. */
export async function hearLine(stream: ByteStream, limit: number): Promise<unknown> {
  const line = await stream.readLine(limit)
  if (line === undefined) throw new Error('the connection was closed')
  return JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))
}

/** Both sides are ours: only the shape of what they may have sent is told apart. */
export async function hearAnswer(stream: ByteStream): Promise<MailAnswer> {
  stream.setDeadline(WIRE_LIMITS.answerMs)
  const answer = (await hearLine(stream, WIRE_LIMITS.answerBytes)) as MailAnswer
  stream.setDeadline(undefined)
  return answer
}

/** Throws what a refusal or a failure at the other side was. */
export function throwUnlessDone(answer: MailAnswer): void {
  if (answer.kind === 'refused') throw new StoreRefusal(answer.code, answer.text)
  if (answer.kind !== 'done') throw new StoreRefusal('temporary', 'Temporary internal error')
}

/** What a fault or refusal looks like to the other side. */
export function answerTo(error: unknown): MailAnswer {
  if (error instanceof StoreRefusal) return { kind: 'refused', code: error.code, text: error.message }
  return { kind: 'failed' }
}
