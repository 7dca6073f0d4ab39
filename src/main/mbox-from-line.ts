const FROM = Buffer.from('From ')
/** A line that is longer is no `From ` line. */
const LINE_BYTES = 1024

/** A message as it came by a pipe. */
export interface PipedMessage {
  /** Whom a `From ` line names, when there was one. */
  readonly sender: string | undefined
  /** The message without that line. */
  readonly bytes: AsyncIterable<Buffer>
}

/** Takes off the `From ` line of an mbox that some mail servers put in front of a message. */
export async function readFromLine(source: AsyncIterable<Buffer>): Promise<PipedMessage> {
  const chunks = source[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  for (;;) {
    const size = Math.min(head.length, FROM.length)
    const mayBeFrom = head.subarray(0, size).equals(FROM.subarray(0, size))
    const end = head.indexOf(0x0a)
    if (mayBeFrom && size === FROM.length && end >= 0) {
      const sender = head.toString('latin1', FROM.length, end).trim().split(/\s/)[0]
      return { sender, bytes: rest(head.subarray(end + 1), chunks) }
    }
    if (!mayBeFrom || head.length >= LINE_BYTES) return { sender: undefined, bytes: rest(head, chunks) }
    const { value, done } = await chunks.next()
    if (done === true) return { sender: undefined, bytes: rest(head, chunks) }
    head = Buffer.concat([head, value])
  }
}

async function* rest(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  if (head.length > 0) yield head
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
}
