import { ConnectionLost, LineTooLong, type ByteStream } from '../net/byte-stream.ts'
import { ProxyFailure } from './proxy-failure.ts'

/** Dovecot's login proxy: longer lines of a backend are a protocol failure. */
const BACKEND_LINE_BYTES = 4096

/** The next line of a backend that has not let the user in yet. Throws ProxyFailure, or the stream's DeadlineExceeded. */
export async function readBackendLine(stream: ByteStream): Promise<string> {
  let line: string | undefined
  try {
    line = await stream.readLine(BACKEND_LINE_BYTES)
  } catch (error) {
    if (error instanceof LineTooLong) throw new ProxyFailure('protocol', 'Too long input line', { cause: error })
    if (error instanceof ConnectionLost)
      throw new ProxyFailure('connect', `${CLOSED}: ${error.message}`, { cause: error })
    throw error
  }
  if (line === undefined) throw new ProxyFailure('connect', CLOSED)
  return line
}

const CLOSED = 'Disconnected by server: Connection closed'
