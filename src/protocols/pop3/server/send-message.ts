import type { ByteStream } from '../../../net/byte-stream.ts'
import { READ_CHUNK_BYTES, type StoredMessage } from '../../../storage/store.ts'
import { DotStuffer, type StuffingOptions } from './dot-stuffer.ts'

/**
 * Sends a message, its lines ended with CRLF and dots doubled, without the end mark. With `bodyLines` the header, the blank line
 * and that many lines. Resolves with the bytes sent. RFC 1939 §3.
 */
export async function sendMessage(
  stream: ByteStream,
  message: StoredMessage,
  options: StuffingOptions,
): Promise<number> {
  const stuffer = new DotStuffer(options)
  let sent = 0
  for (let from = 0; from < message.sizeBytes && !stuffer.done; from += READ_CHUNK_BYTES) {
    const read = message.read(from, Math.min(message.sizeBytes, from + READ_CHUNK_BYTES))
    const chunk = stuffer.push(read instanceof Promise ? await read : read)
    sent += chunk.length
    stream.write(chunk)
    await stream.drained()
  }
  const end = stuffer.end()
  stream.write(end)
  return sent + end.length
}
