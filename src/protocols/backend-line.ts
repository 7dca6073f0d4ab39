import { ConnectionLost, LineTooLong, type ByteStream } from '../net/byte-stream.ts'
import type { Soon } from '../util/soon.ts'
import type { BackendIo } from './protocol.ts'
import { ProxyFailure } from './proxy-failure.ts'
import { sanitize } from './wire-text.ts'

/** Dovecot's login proxy: longer lines of a backend are a protocol failure. */
const BACKEND_LINE_BYTES = 4096

/** The next line of a backend that has not let the user in yet. Throws ProxyFailure, or the stream's DeadlineExceeded. */
export function readBackendLine(stream: ByteStream): Soon<string> {
  return expectMore(stream.readLine(BACKEND_LINE_BYTES))
}

/** The next line if it is here already; otherwise a promise of what `next` makes of it. Throws, or rejects, as `readBackendLine`. */
export function lineOrLater<T>(stream: ByteStream, next: (line: string) => Soon<T>): string | Promise<T> {
  const read = stream.readLine(BACKEND_LINE_BYTES)
  return read instanceof Promise ? read.then((line) => next(unlessOver(line)), failReading) : unlessOver(read)
}

/** So many bytes of a backend. Throws as `readBackendLine` does. */
export function readBackendBytes(stream: ByteStream, count: number): Soon<Buffer> {
  return expectMore(stream.readBytes(count))
}

function expectMore<Piece extends string | Buffer>(read: Soon<Piece | undefined>): Soon<Piece> {
  return read instanceof Promise ? read.then(unlessOver<Piece>, failReading) : unlessOver(read)
}

function unlessOver<Piece extends string | Buffer>(piece: Piece | undefined): Piece {
  if (piece === undefined) throw new ProxyFailure('connect', CLOSED)
  return piece
}

function failReading(error: unknown): never {
  if (error instanceof LineTooLong) throw new ProxyFailure('protocol', 'Too long input line', { cause: error })
  if (error instanceof ConnectionLost)
    throw new ProxyFailure('connect', `${CLOSED}: ${error.message}`, { cause: error })
  throw error
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
  return line.includes('\r') || line.includes('\0') ? line.replace(/[\0\r]/g, ' ') : line
}

/** A backend's line as it may go into a log. */
export function shown(line: string): string {
  return sanitize(line, 500)
}
