import { ConnectionLost, LineTooLong, type ByteStream } from '../net/byte-stream.ts'
import type { BackendIo } from './protocol.ts'
import { ProxyFailure } from './proxy-failure.ts'
import { sanitize } from './wire-text.ts'

/** Dovecot's login proxy: longer lines of a backend are a protocol failure. */
const BACKEND_LINE_BYTES = 4096

/** The next line of a backend that has not let the user in yet. Throws ProxyFailure, or the stream's DeadlineExceeded. */
export async function readBackendLine(stream: ByteStream): Promise<string> {
  return await expectMore(() => stream.readLine(BACKEND_LINE_BYTES))
}

/** So many bytes of a backend. Throws as `readBackendLine` does. */
export async function readBackendBytes(stream: ByteStream, count: number): Promise<Buffer> {
  return await expectMore(() => stream.readBytes(count))
}

async function expectMore<Piece>(read: () => Promise<Piece | undefined>): Promise<Piece> {
  let piece: Piece | undefined
  try {
    piece = await read()
  } catch (error) {
    if (error instanceof LineTooLong) throw new ProxyFailure('protocol', 'Too long input line', { cause: error })
    if (error instanceof ConnectionLost)
      throw new ProxyFailure('connect', `${CLOSED}: ${error.message}`, { cause: error })
    throw error
  }
  if (piece === undefined) throw new ProxyFailure('connect', CLOSED)
  return piece
}

const CLOSED = 'Disconnected by server: Connection closed'

/** The handshake behind a backend's OK to STARTTLS. */
export async function startBackendTls(io: BackendIo): Promise<void> {
  // What came in clear text behind the OK may be anybody's.
  io.stream.takeBuffered()
  await io.startTls()
}

/** A backend's line as it may go on to a client: without stray CRs and NULs. */
export function printable(line: string): string {
  return line.replace(/[\0\r]/g, ' ')
}

/** A backend's line as it may go into a log. */
export function shown(line: string): string {
  return sanitize(line, 500)
}
