import type { ByteStream } from '../net/byte-stream.ts'
import type { Soon } from '../util/soon.ts'
import type { LoginEnd, LoginIo } from './protocol.ts'

/**
 * Reads a stranger's lines until a command ends the conversation or the stranger leaves. Rejects with what the stream rejects
 * with: DeadlineExceeded and ConnectionLost are the session's business, LineTooLong the protocol's.
 */
export async function converse(
  stream: ByteStream,
  lineBytes: number,
  runCommand: (line: string) => Soon<LoginEnd | undefined>,
): Promise<LoginEnd> {
  for (;;) {
    const line = await stream.readLine(lineBytes)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const end = await runCommand(line)
    if (end !== undefined) return end
  }
}

/** A command line cut behind its first word: the word in upper case, and what follows one blank. */
export function splitCommand(line: string): { readonly name: string; readonly args: string } {
  const space = line.indexOf(' ')
  if (space < 0) return { name: line.toUpperCase(), args: '' }
  return { name: line.slice(0, space).toUpperCase(), args: line.slice(space + 1) }
}

/** Says that TLS may begin, and shakes hands. Rejects when that fails, which ends the connection. */
export async function acceptTls(io: LoginIo, invitation: string): Promise<void> {
  // Commands pipelined in clear text must not count as sent under TLS (CVE-2011-0411 and its kin).
  io.stream.takeBuffered()
  io.stream.write(`${invitation}\r\n`)
  await io.startTls()
}
