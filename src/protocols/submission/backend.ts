/** Logs in to a Submission backend: EHLO, STARTTLS, XCLIENT, AUTH. RFC 5321, RFC 3207, RFC 4954, and XCLIENT as Postfix has it. */
import { printable, readBackendLine, shown, startBackendTls } from '../backend-line.ts'
import type { BackendIo, BackendWelcome, ProxyTarget } from '../protocol.ts'
import { ProxyFailure } from '../proxy-failure.ts'
import { answerChallenge, openSaslClient } from '../sasl-client.ts'
import { encodeInitialResponse } from '../sasl-wire.ts'
import { extensions, readReply, SmtpSyntaxError, withoutEnhanced, type SmtpReply } from '../smtp/wire/reply.ts'
import { formatXclientLines, type XclientAttribute } from '../smtp/wire/xclient.ts'
import { forwardAttribute, portAttribute } from '../smtp-identity.ts'
import { encodeLine, encodeText } from '../wire-text.ts'
import { warnOfDropped } from '../xclient.ts'

/** RFC 5321 §4.5.3.1.4: a longer AUTH line goes without its initial response. */
const COMMAND_LINE_BYTES = 512

const ATTRIBUTES: readonly XclientAttribute[] = ['HELO', 'PROTO', 'LOGIN', 'TTL', 'PORT', 'ADDR', 'SESSION', 'FORWARD']

type Extensions = ReadonlyMap<string, readonly string[]>

/** Throws a ProxyFailure that says how far it came; `io.step` is the reply that is waited for. */
export async function backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  io.step = 'banner'
  const banner = await reply(io)
  if (banner.code !== 220) throw new ProxyFailure('protocol', `Invalid banner: ${shownReply(banner)}`)
  let offered = await hello(io, 'ehlo')
  if (target.tls === 'starttls') offered = await startTls(io, offered)
  const xclient = offered.get('XCLIENT')
  if (xclient !== undefined && !target.notTrusted) offered = await announce(io, target, offered, xclient)
  if (target.noauth) return { untagged: [], lines: ['235 2.7.0 Logged in.'] }
  if (!offered.has('AUTH')) {
    throw new ProxyFailure('remote-config', 'Authentication support not advertised (TLS required?)')
  }
  return await authenticate(io, target, offered.has('ENHANCEDSTATUSCODES'))
}

async function hello(io: BackendIo, step: string): Promise<Extensions> {
  io.step = step
  io.stream.write(ehlo(io))
  return await helloReply(io)
}

function ehlo(io: BackendIo): string {
  return `EHLO ${encodeLine(io.hostname)}\r\n`
}

async function helloReply(io: BackendIo): Promise<Extensions> {
  const answer = await reply(io)
  if (answer.code !== 250) throw new ProxyFailure('protocol', `Invalid EHLO line: ${shownReply(answer)}`)
  return extensions(answer)
}

async function startTls(io: BackendIo, offered: Extensions): Promise<Extensions> {
  if (!offered.has('STARTTLS')) throw new ProxyFailure('remote-config', 'STARTTLS not supported')
  io.step = 'starttls'
  io.stream.write('STARTTLS\r\n')
  const answer = await reply(io)
  if (answer.code !== 220) throw new ProxyFailure('remote', `STARTTLS failed: ${shownReply(answer)}`)
  await startBackendTls(io)
  return await hello(io, 'tls-ehlo')
}

/** Tells who the client is; the backend begins its session anew and is greeted again. */
async function announce(
  io: BackendIo,
  target: ProxyTarget,
  offered: Extensions,
  attributes: readonly string[],
): Promise<Extensions> {
  const forward = forwardAttribute(target.forward)
  warnOfDropped(io, forward.dropped)
  const { identity } = io
  const lines = formatXclientLines(
    {
      HELO: identity.helo === undefined || identity.helo === '' ? '[UNAVAILABLE]' : encodeText(identity.helo),
      PROTO: identity.proto ?? 'ESMTP',
      ...(target.noauth ? { LOGIN: encodeText(target.destuser) } : {}),
      TTL: String(target.ttl),
      ...portAttribute(identity.remote.port),
      ADDR: identity.remote.ip,
      SESSION: identity.session,
      ...(forward.value === undefined ? {} : { FORWARD: forward.value }),
    },
    ATTRIBUTES,
    attributes,
  )
  if (lines.length === 0) return offered
  io.step = 'xclient'
  io.stream.write(lines.join('') + ehlo(io))
  for (const _ of lines) {
    const answer = await reply(io)
    if (answer.code !== 220) throw new ProxyFailure('remote', `XCLIENT failed: ${shownReply(answer)}`)
  }
  io.step = 'xclient-ehlo'
  return await helloReply(io)
}

async function authenticate(io: BackendIo, target: ProxyTarget, enhanced: boolean): Promise<BackendWelcome> {
  const { name, client } = openSaslClient(io, target, 'smtp')
  io.step = 'authenticate'
  // Sent with the command, or in answer to the first, empty challenge.
  let initial = client.initial()
  const full = `AUTH ${name} ${encodeInitialResponse(initial ?? Buffer.alloc(0))}\r\n`
  const fits = full.length <= COMMAND_LINE_BYTES
  io.stream.write(fits ? full : `AUTH ${name}\r\n`)
  if (fits) initial = undefined
  for (;;) {
    const answer = await reply(io)
    if (answer.code === 235) return { untagged: [], lines: answer.lines.map(printable) }
    if (answer.code < 400 && answer.code !== 334)
      throw new ProxyFailure('protocol', `Invalid reply: ${shownReply(answer)}`)
    if (answer.code !== 334) throw refusal(enhanced ? answer : withoutEnhanced(answer), client.failureDetail)
    io.stream.write(`${initial?.toString('base64') ?? answerChallenge(client, answer.lines[0]?.slice(4) ?? '')}\r\n`)
    initial = undefined
  }
}

/** 4xx but 421 may get better; 421 ends the session. */
function refusal(answer: SmtpReply, oauthDetail: Buffer | undefined): ProxyFailure {
  const temporary = answer.code >= 400 && answer.code < 500 && answer.code !== 421
  return new ProxyFailure(temporary ? 'auth-temp' : 'auth', shown(answer.texts.join(' ')), {
    reply: { lines: answer.lines.map(printable), ...(oauthDetail === undefined ? {} : { oauthDetail }) },
  })
}

async function reply(io: BackendIo): Promise<SmtpReply> {
  try {
    return await readReply(async () => await readBackendLine(io.stream))
  } catch (error) {
    if (!(error instanceof SmtpSyntaxError)) throw error
    throw new ProxyFailure(
      'protocol',
      `${io.step === 'banner' ? 'Invalid banner' : 'Invalid reply'}: ${shown(error.message)}`,
    )
  }
}

function shownReply(answer: SmtpReply): string {
  return shown(answer.lines.join(' '))
}
