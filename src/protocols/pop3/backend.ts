/** Logs in to a POP3 backend: STLS, XCLIENT, then USER and PASS or AUTH. RFC 1939, RFC 2595, RFC 5034. */
import { printable, readBackendLine, shown, startBackendTls } from '../backend-line.ts'
import type { BackendIo, BackendWelcome, ProxyTarget } from '../protocol.ts'
import { ProxyFailure } from '../proxy-failure.ts'
import { answerChallenge, openSaslClient } from '../sasl-client.ts'
import { encodeInitialResponse } from '../sasl-wire.ts'
import { encodeText } from '../wire-text.ts'
import { xclientCommand } from '../xclient.ts'

/** Throws a ProxyFailure that says how far it came; `io.step` is the reply that is waited for. */
export async function backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  io.step = 'banner'
  const banner = await readBackendLine(io.stream)
  if (!isOk(banner)) throw new ProxyFailure('protocol', `Invalid banner: ${shown(banner)}`)
  const announces = banner.startsWith('+OK [XCLIENT]') && !target.notTrusted
  const simple = target.mechanism === undefined && target.master === undefined
  if (target.tls === 'starttls') await startTls(io, announces ? 'xclient' : simple ? 'login1' : 'login2')
  // Pipelined with the login: the reply to XCLIENT comes first.
  const announce = announces ? xclientCommand(io, target) : undefined
  return simple ? await loginWithPassword(io, target, announce) : await loginWithSasl(io, target, announce)
}

/** `next` is what waits for the end of the handshake, by which Dovecot calls it. */
async function startTls(io: BackendIo, next: string): Promise<void> {
  io.step = 'starttls'
  io.stream.write('STLS\r\n')
  const reply = await readBackendLine(io.stream)
  if (!isOk(reply)) throw new ProxyFailure('remote', `STLS failed: ${shown(reply)}`)
  io.step = next
  await startBackendTls(io)
}

async function expectXclientReply(io: BackendIo): Promise<void> {
  io.step = 'xclient'
  const reply = await readBackendLine(io.stream)
  if (!isOk(reply)) throw new ProxyFailure('remote', `XCLIENT failed: ${shown(reply)}`)
}

async function loginWithPassword(
  io: BackendIo,
  target: ProxyTarget,
  announce: string | undefined,
): Promise<BackendWelcome> {
  if (target.secret === undefined) throw new ProxyFailure('internal', 'password not given')
  const user = encodeText(target.destuser)
  const password = target.secret.reveal().toString('latin1')
  if (/[\0\r\n]/.test(user) || /[\0\r\n]/.test(password)) {
    throw new ProxyFailure('internal', 'user name or password has a NUL or a line break, which POP3 cannot send')
  }
  io.stream.write(`${announce ?? ''}USER ${user}\r\n`)
  if (announce !== undefined) await expectXclientReply(io)
  io.step = 'login1'
  const reply = await readBackendLine(io.stream)
  if (!isOk(reply)) throw refusal(reply)
  io.step = 'login2'
  io.stream.write(`PASS ${password}\r\n`)
  return welcome(await readBackendLine(io.stream))
}

async function loginWithSasl(
  io: BackendIo,
  target: ProxyTarget,
  announce: string | undefined,
): Promise<BackendWelcome> {
  const { name, client } = openSaslClient(io, target, 'pop')
  const initial = client.initial()
  io.stream.write(`${announce ?? ''}AUTH ${name} ${encodeInitialResponse(initial ?? Buffer.alloc(0))}\r\n`)
  if (announce !== undefined) await expectXclientReply(io)
  for (;;) {
    io.step = 'login2'
    const reply = await readBackendLine(io.stream)
    if (reply !== '+' && !reply.startsWith('+ ')) return welcome(reply, client.failureDetail)
    io.stream.write(`${answerChallenge(client, reply.slice(2))}\r\n`)
  }
}

function welcome(reply: string, oauthDetail?: Buffer): BackendWelcome {
  if (!isOk(reply)) throw refusal(reply, oauthDetail)
  return { untagged: [], lines: [printable(reply)] }
}

/** `[SYS/TEMP]` (RFC 3206) may get better; everything else is the user's. */
function refusal(reply: string, oauthDetail?: Buffer): ProxyFailure {
  const reason = reply.startsWith('-ERR') ? reply.slice('-ERR'.length).trim() : reply
  const failureClass = /^\[SYS\/TEMP\]/i.test(reason) ? 'auth-temp' : 'auth'
  return new ProxyFailure(failureClass, shown(reason), {
    reply: { lines: [printable(reply)], ...(oauthDetail === undefined ? {} : { oauthDetail }) },
  })
}

/** Dovecot looks at these three characters only. */
function isOk(line: string): boolean {
  return line.startsWith('+OK')
}
