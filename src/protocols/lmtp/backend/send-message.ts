/**
 * A message to a backend, block by block: BDAT where it knows CHUNKING (RFC 3030), else DATA (RFC 5321 §4.1.1.4). A message
 * that is not finished ends without LAST or dot, which tells the backend that there is nothing to deliver.
 */
import { DotEncoder } from '../../smtp/wire/dot-encoder.ts'
import type { SmtpReply } from '../../smtp/wire/reply.ts'
import type { Block, MessageReader } from '../message/message.ts'
import { BackendFailure, BackendRefusal, badReply } from './failure.ts'
import { expectCode, type Extensions } from './greet.ts'
import { type CommandPipe, TOGETHER_BYTES } from './pipe.ts'

export interface SendOptions {
  readonly offered: Extensions
  /** Replies after the end of the message: in LMTP one a recipient. */
  readonly replies: number
  /** The client promised 8-bit content with BODY=8BITMIME. */
  readonly eightBit: boolean
}

/**
 * Sends all of it. Resolves with the replies to come, in order, each to be awaited. Rejects with BackendFailure,
 * BackendRefusal (the backend refused before the end) or what the message's reader rejects with.
 */
export async function sendMessage(
  pipe: CommandPipe,
  message: MessageReader,
  options: SendOptions,
): Promise<readonly Promise<SmtpReply>[]> {
  return options.offered.has('CHUNKING')
    ? await sendChunks(pipe, message, options)
    : await sendData(pipe, message, options)
}

async function sendChunks(
  pipe: CommandPipe,
  message: MessageReader,
  options: SendOptions,
): Promise<readonly Promise<SmtpReply>[]> {
  const chunks = new ChunkReplies()
  for (;;) {
    const block = await nextBlock(message, options)
    chunks.throwIfRefused()
    pipe.withinMessage = true
    const first = pipe.command(`BDAT ${block.size}${block.last ? ' LAST' : ''}\r\n`)
    if (!block.last) chunks.add(first)
    for (const piece of inFewPieces(block)) await pipe.content(piece)
    if (block.last) {
      pipe.withinMessage = false
      return [first, ...furtherReplies(pipe, options.replies - 1)]
    }
    if (!pipe.pipelining) expectCode(await first, 250)
  }
}

/** Replies to the chunks before the last: none of them may be a refusal. */
class ChunkReplies {
  #refusal: SmtpReply | undefined

  add(reply: Promise<SmtpReply>): void {
    // A fault of the connection shows when the next chunk is sent.
    const ignoreFault = (): undefined => undefined
    void reply.then((answer) => {
      if (answer.code >= 400) this.#refusal ??= answer
    }, ignoreFault)
  }

  throwIfRefused(): void {
    if (this.#refusal !== undefined) throw new BackendRefusal(this.#refusal)
  }
}

async function sendData(
  pipe: CommandPipe,
  message: MessageReader,
  options: SendOptions,
): Promise<readonly Promise<SmtpReply>[]> {
  let block = await nextBlock(message, options)
  expectCode(await pipe.command('DATA\r\n'), 354)
  pipe.withinMessage = true
  const encoder = new DotEncoder()
  for (;;) {
    const pieces = block.pieces.map((piece) => encoder.encode(piece))
    if (block.last) pieces.push(Buffer.from(encoder.finish()))
    // Within DATA no reply is awaited, so that the time is ours to keep.
    pipe.stream.setDeadline(pipe.timeoutMs())
    for (const piece of inFewPieces({ ...block, pieces })) {
      await throwIfAnswered(pipe)
      await pipe.content(piece)
    }
    if (block.last) break
    pipe.stream.setDeadline(undefined)
    block = await nextBlock(message, options)
  }
  pipe.withinMessage = false
  return furtherReplies(pipe, options.replies)
}

function inFewPieces({ pieces, size }: Block): readonly Buffer[] {
  return pieces.length > 1 && size <= TOGETHER_BYTES ? [Buffer.concat(pieces)] : pieces
}

/** A backend that answers before it has the message refuses it, or makes no sense. */
async function throwIfAnswered(pipe: CommandPipe): Promise<void> {
  if (pipe.stream.buffered === 0 && !pipe.stream.ended) return
  const reply = await pipe.reply()
  throw reply.code >= 400 ? new BackendRefusal(reply) : badReply('Unexpected reply')
}

function furtherReplies(pipe: CommandPipe, count: number): Promise<SmtpReply>[] {
  return Array.from({ length: count }, () => pipe.reply())
}

async function nextBlock(message: MessageReader, { offered, eightBit }: SendOptions): Promise<Block> {
  const block = await message.next()
  if (eightBit && !offered.has('8BITMIME') && block.pieces.some(hasEightBit)) {
    throw new BackendFailure('not 8-bit', "Message has 8-bit content, but server doesn't support 8BITMIME")
  }
  return block
}

function hasEightBit(piece: Buffer): boolean {
  for (let at = 0; at < piece.length; at++) if ((piece[at] ?? 0) > 0x7f) return true
  return false
}
