import { ConnectionLost, DeadlineExceeded } from './byte-stream.ts'
import { MAX_HEADER_BYTES, type ProxyHeader } from './haproxy-header.ts'
import { type ParsedHeader, parseProxyHeader } from './haproxy-parse.ts'
import type { SocketStream } from './socket-stream.ts'

/** A connection to a port with `haproxy=yes` that is not let in. The message is Dovecot's log line. */
export class HaproxyRefused extends Error {
  override readonly name = 'HaproxyRefused'
}

export interface HaproxyRules {
  /** The peer is in `haproxy_trusted_networks`. */
  readonly trusts: (ip: string) => boolean
  /** `haproxy_timeout` */
  readonly timeoutMs: number
}

/**
 * Reads the PROXY header that a connection must begin with, in as many pieces as it comes; not a byte behind it is taken.
 * The stream's deadline is used and taken away. Rejects with HaproxyRefused.
 */
export async function readProxyHeader(stream: SocketStream, rules: HaproxyRules): Promise<ProxyHeader> {
  const rip = `rip=${stream.remote.ip}`
  if (!rules.trusts(stream.remote.ip)) throw new HaproxyRefused(`haproxy: Client not trusted (${rip})`)
  stream.setDeadline(rules.timeoutMs)
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    const more = await nextBytes(stream, MAX_HEADER_BYTES - bytes.length, rip)
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more])
    const parsed = parseProxyHeader(bytes)
    if (parsed.kind === 'invalid') throw new HaproxyRefused(refusal(parsed, rip))
    if (parsed.kind === 'header') {
      stream.setDeadline(undefined)
      if (bytes.length > parsed.sizeBytes) stream.unread(bytes.subarray(parsed.sizeBytes))
      return parsed.header
    }
  }
}

async function nextBytes(stream: SocketStream, max: number, rip: string): Promise<Buffer> {
  try {
    const bytes = await stream.readSome(max)
    if (bytes !== undefined) return bytes
  } catch (error) {
    if (error instanceof DeadlineExceeded) throw new HaproxyRefused(`haproxy: Client timed out (${rip})`)
    if (!(error instanceof ConnectionLost)) throw error
    throw new HaproxyRefused(`haproxy: Client disconnected (${rip}): ${error.message}`)
  }
  throw new HaproxyRefused(`haproxy: Client disconnected: Failed to read full header (${rip})`)
}

function refusal({ version, problem, details }: Extract<ParsedHeader, { kind: 'invalid' }>, rip: string): string {
  const name = version === '' ? 'haproxy' : `haproxy(${version})`
  return `${name}: Client disconnected: ${problem} (${[...details, rip].join(', ')})`
}
