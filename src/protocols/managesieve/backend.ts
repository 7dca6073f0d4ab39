/** Logs in to a ManageSieve backend: capabilities, STARTTLS, XCLIENT, AUTHENTICATE. RFC 5804 §2. */
import { printable, readBackendBytes, readBackendLine, shown, startBackendTls } from '../backend-line.ts'
import type { BackendIo, BackendWelcome, ProxyTarget } from '../protocol.ts'
import { ProxyFailure } from '../proxy-failure.ts'
import { answerChallenge, openSaslClient } from '../sasl-client.ts'
import { xclientCommand } from '../xclient.ts'
import { parseReply, quoted, WordReader, writeString, type SieveReply } from './wire/strings.ts'

/** Capability lines of a backend, together. */
const CAPABILITY_LINES = 100
const LITERAL_BYTES = 16_384

type Capabilities = ReadonlyMap<string, string>

/** Throws a ProxyFailure that says how far it came; `io.step` is what is going on. */
export async function backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  io.step = 'none'
  let capabilities = await readCapabilities(io)
  if (target.tls === 'starttls') capabilities = await startTls(io, capabilities)
  if (capabilities.has('XCLIENT') && !target.notTrusted) await announce(io, target)
  if ((capabilities.get('SASL') ?? '') === '') {
    throw new ProxyFailure('remote-config', 'Server has disabled authentication (TLS required?)')
  }
  return await authenticate(io, target)
}

async function readCapabilities(io: BackendIo): Promise<Capabilities> {
  const found = new Map<string, string>()
  for (let lines = 0; lines < CAPABILITY_LINES; lines++) {
    const line = await readReplyLine(io)
    const reply = parseReply(line)
    if (reply?.status === 'OK') return found
    if (reply !== undefined)
      throw new ProxyFailure('protocol', `Remote sent unexpected NO/BYE instead of capability response`)
    // Names are strings, in quotes or as literals.
    const [name, value] = /^["{]/.test(line) ? await words(io, line) : []
    if (name === undefined) throw new ProxyFailure('protocol', `Remote sent invalid response: ${shown(line)}`)
    found.set(name.toUpperCase(), value ?? '')
  }
  throw new ProxyFailure('protocol', 'Too many capability lines')
}

/** The strings of a line, with the literals that follow it. */
async function words(io: BackendIo, line: string): Promise<readonly string[]> {
  const reader = new WordReader()
  let step = reader.line(line)
  while (step.kind === 'literal') {
    if (step.sizeBytes > LITERAL_BYTES) throw new ProxyFailure('protocol', 'Too long string')
    const bytes = await readBackendBytes(io.stream, step.sizeBytes)
    reader.literal(bytes.toString('latin1'))
    step = reader.line(await readBackendLine(io.stream))
  }
  return step.kind === 'bad' ? [] : reader.words.map((word) => word.text)
}

async function startTls(io: BackendIo, capabilities: Capabilities): Promise<Capabilities> {
  if (!capabilities.has('STARTTLS')) throw new ProxyFailure('remote-config', "Remote doesn't support STARTTLS")
  io.step = 'tls-start'
  io.stream.write('STARTTLS\r\n')
  const reply = await readReply(io)
  if (reply.status !== 'OK') throw new ProxyFailure('remote', 'Remote refused STARTTLS command')
  io.step = 'tls-ready'
  await startBackendTls(io)
  return await readCapabilities(io)
}

async function announce(io: BackendIo, target: ProxyTarget): Promise<void> {
  io.step = 'xclient'
  io.stream.write(xclientCommand(io, target))
  const reply = await readReply(io)
  if (reply.status !== 'OK') throw new ProxyFailure('remote', `Remote XCLIENT failed: ${shown(reply.line)}`)
}

async function authenticate(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  const { name, client } = openSaslClient(io, target, 'sieve')
  const initial = client.initial() ?? Buffer.alloc(0)
  const response = initial.length === 0 ? '' : ` ${writeString(initial.toString('base64'))}`
  io.step = 'auth'
  io.stream.write(`AUTHENTICATE ${quoted(name)}${response}\r\n`)
  for (;;) {
    const line = await readReplyLine(io)
    const reply = parseReply(line)
    if (reply?.status === 'OK') return { untagged: [], lines: [printable(line)] }
    if (reply !== undefined) throw refusal(reply, client.failureDetail)
    const [challenge] = /^["{]/.test(line) ? await words(io, line) : []
    // Whatever is neither success nor a challenge is a refusal.
    if (challenge === undefined)
      throw refusal({ status: 'NO', code: undefined, line, text: line }, client.failureDetail)
    io.stream.write(`${writeString(answerChallenge(client, challenge, CHALLENGE_WORDS))}\r\n`)
  }
}

const CHALLENGE_WORDS = {
  noBase64: 'Server sent invalid base64 data in AUTHENTICATE response',
  nonsense: 'Server sent invalid authentication data',
}

/** A line; the literals in a reply (RFC 5804 §4) become quoted strings: whoever passes it on passes on one line. */
async function readReplyLine(io: BackendIo): Promise<string> {
  let line = await readBackendLine(io.stream)
  for (;;) {
    const literal = REPLY_LITERAL.exec(line)
    if (literal === null) return line
    const size = Number(literal[2])
    if (line.length + size > LITERAL_BYTES) throw new ProxyFailure('protocol', 'Too long string')
    const bytes = await readBackendBytes(io.stream, size)
    line = (literal[1] ?? '') + quoted(bytes.toString('latin1')) + (await readBackendLine(io.stream))
  }
}

const REPLY_LITERAL = /^((?:OK|NO|BYE)(?: [^"{]*(?:"(?:[^"\\]|\\.)*"[^"{]*)*)?)\{(\d{1,10})\+?\}$/i

async function readReply(io: BackendIo): Promise<SieveReply> {
  const line = await readReplyLine(io)
  const reply = parseReply(line)
  if (reply === undefined) throw new ProxyFailure('protocol', `Unexpected reply: ${shown(line)}`)
  return reply
}

/** `NO (TRYLATER)` may get better; everything else is the user's. */
function refusal(reply: SieveReply, oauthDetail: Buffer | undefined): ProxyFailure {
  const temporary = reply.status === 'NO' && reply.code?.toUpperCase() === 'TRYLATER'
  return new ProxyFailure(temporary ? 'auth-temp' : 'auth', shown(reply.text), {
    reply: { lines: [printable(reply.line)], ...(oauthDetail === undefined ? {} : { oauthDetail }) },
  })
}
