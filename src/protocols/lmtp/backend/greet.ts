import { extensions, type SmtpReply } from '../../smtp/wire/reply.ts'
import { formatXclientLines, type XclientAttribute } from '../../smtp/wire/xclient.ts'
import { portAttribute } from '../../smtp-identity.ts'
import { encodeLine, encodeText } from '../../wire-text.ts'
import { LMTP_LIMITS } from '../limits.ts'
import type { BackendLink, Destination, LmtpClient } from '../services.ts'
import { BackendFailure, BackendRefusal, badReply } from './failure.ts'
import type { CommandPipe } from './pipe.ts'

export type Extensions = ReadonlyMap<string, readonly string[]>

/** Whom a backend is told about. */
export interface Introduction {
  readonly hostname: string
  readonly client: LmtpClient
  /** `SESSION:P1`. */
  readonly session: string
}

const ATTRIBUTES: readonly XclientAttribute[] = ['HELO', 'PROTO', 'LOGIN', 'SESSION', 'TTL', 'TIMEOUT', 'PORT', 'ADDR']

/**
 * From the connection to a backend that takes mail: greeting, LHLO or EHLO, STARTTLS, XCLIENT. Returns what it can. Rejects
 * with BackendFailure or BackendRefusal.
 */
export async function greet(
  pipe: CommandPipe,
  link: BackendLink,
  destination: Destination,
  introduction: Introduction,
): Promise<Extensions> {
  expectCode(await pipe.reply(), 220)
  let offered = await hello(pipe, destination, introduction)
  if (destination.tls === 'starttls') {
    if (!offered.has('STARTTLS')) {
      throw new BackendFailure('connect', "Requested STARTTLS, but server doesn't support it")
    }
    expectCode(await pipe.command('STARTTLS\r\n'), 220)
    link.stream.setDeadline(pipe.timeoutMs())
    await link.startTls()
    offered = await hello(pipe, destination, introduction)
  }
  const attributes = destination.notTrusted ? undefined : offered.get('XCLIENT')
  if (attributes === undefined) return offered
  const lines = formatXclientLines(xclientValues(destination, introduction), ATTRIBUTES, attributes)
  // A backend that does not believe us takes the mail all the same.
  for (const line of lines) await pipe.command(line)
  return lines.length === 0 ? offered : await hello(pipe, destination, introduction)
}

/** Refusals are for the client; a success that is none of ours is nonsense. */
export function expectCode(reply: SmtpReply, code: number): void {
  if (reply.code >= 400) throw new BackendRefusal(reply)
  if (reply.code !== code) throw badReply(`Unexpected status code ${reply.code}`)
}

/** Any success will do. */
export function expectTaken(reply: SmtpReply): SmtpReply {
  if (reply.code >= 300) expectCode(reply, 250)
  return reply
}

async function hello(pipe: CommandPipe, { protocol }: Destination, { hostname }: Introduction): Promise<Extensions> {
  const name = encodeLine(hostname)
  pipe.enhanced = false
  const reply = await pipe.command(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}\r\n`)
  if (protocol === 'smtp' && (reply.code === 500 || reply.code === 502)) {
    // RFC 5321 §3.2: an old server, which has no extensions.
    expectCode(await pipe.command(`HELO ${name}\r\n`), 250)
    return new Map()
  }
  expectCode(reply, 250)
  const offered = extensions(reply)
  pipe.enhanced = offered.has('ENHANCEDSTATUSCODES')
  return offered
}

function xclientValues(
  { protocol }: Destination,
  { client, session }: Introduction,
): Partial<Record<XclientAttribute, string>> {
  const { helo, proto = 'LMTP', login, ttl, remote } = client
  const shown = helo === undefined ? undefined : encodeText(helo)
  return {
    ...(shown === undefined || shown.length > LMTP_LIMITS.heloBytes ? undefined : { HELO: shown }),
    PROTO: proto,
    ...(login === undefined ? undefined : { LOGIN: encodeText(login) }),
    SESSION: session,
    // The first proxy gives mail all its hops; each further one takes one away.
    TTL: String(ttl === undefined ? LMTP_LIMITS.ttl : ttl - 1),
    ...(remote.ip === '' ? undefined : { ...portAttribute(remote.port), ADDR: addressOf(remote.ip, protocol) }),
  }
}

/** Dovecot's LMTP writes IPv6 addresses bare, its SMTP as Postfix does. */
function addressOf(ip: string, protocol: Destination['protocol']): string {
  return protocol === 'smtp' && ip.includes(':') ? `IPV6:${ip}` : ip
}
