import type {
  BackendIo,
  BackendWelcome,
  ForwardedIdentity,
  Goodbye,
  LoginEnd,
  LoginIo,
  LoginVerdict,
  Protocol,
  ProxyTarget,
} from '../../src/protocols/protocol.ts'
import { ProxyFailure } from '../../src/protocols/proxy-failure.ts'
import { Secret } from '../../src/util/secret.ts'

/**
 * The least protocol that can log in and be proxied: lines `TAG COMMAND arguments`. It says everything that the session
 * tells it, so that a test can look at the session through the client's eyes.
 */
export const toy: Protocol = {
  name: 'imap',
  service: 'imap-login',
  ports: { plain: 143, tls: 993 },
  login,
  backend,
  serve: async () => await Promise.reject(new Error('the door serves')),
  goodbye: (why: Goodbye) => `* BYE ${why}\r\n`,
}

async function login(io: LoginIo): Promise<LoginEnd> {
  io.stream.write(`* OK ${io.greeting}${io.trusted ? ' [FORWARD]' : ''}\r\n`)
  for (;;) {
    const line = await io.stream.readLine(10_000)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const [tag = '', command = '', ...words] = line.split(' ')
    const end = await run(io, tag, command, words)
    if (end !== undefined) return end
  }
}

async function run(io: LoginIo, tag: string, command: string, words: readonly string[]): Promise<LoginEnd | undefined> {
  switch (command) {
    case 'LOGIN': {
      const initial = new Secret(`\0${words[0]}\0${words[1]}`)
      const refuse = async (): Promise<never> => await Promise.reject(new Error('no challenges'))
      return conclude(
        io,
        tag,
        await io.attempt({ mechanism: 'PLAIN', simple: true, initial, challenge: refuse, finish: refuse }),
      )
    }
    case 'AUTH': {
      const finish = async (): Promise<void> => {}
      const challenge = async (): Promise<Buffer> => {
        io.stream.write('+ \r\n')
        const answer = await io.stream.readLine(1000)
        if (answer === undefined) throw new Error('gone')
        return Buffer.from(answer.replaceAll('|', '\0'))
      }
      return conclude(io, tag, await io.attempt({ mechanism: words[0] ?? '', initial: undefined, challenge, finish }))
    }
    case 'FORWARD':
      io.forwarded(forwarded(words))
      return say(io, `${tag} OK ${io.identity.session}\r\n`)
    case 'STATE': {
      const flags = { secured: io.secured, tls: io.tlsActive, offers: io.tlsAvailable, trusted: io.trusted }
      const on = Object.entries(flags).flatMap(([name, value]) => (value ? [name] : []))
      return say(io, `${tag} OK ${on.join(' ')}; ${io.offeredMechanisms().join(' ')}\r\n`)
    }
    case 'STARTTLS':
      io.stream.write(`${tag} OK\r\n`)
      await io.startTls()
      return undefined
    case 'REMARK':
      io.remark('tried to use disallowed plaintext auth')
      return say(io, `${tag} OK\r\n`)
    case 'BUG':
      throw new TypeError('the dialogue has a bug')
    case 'LOGOUT':
      io.stream.write(`${tag} OK bye\r\n`)
      return { kind: 'closed', reason: 'Aborted login by logging out' }
    default:
      return say(io, `${tag} OK\r\n`)
  }
}

function say(io: LoginIo, text: string): undefined {
  io.stream.write(text)
  return undefined
}

function forwarded(words: readonly string[]): ForwardedIdentity {
  const pairs = new Map(words.map((word) => word.split('=', 2) as [string, string]))
  const text = (name: string): string | undefined => pairs.get(name)
  const [session, remoteIp, localIp] = [text('session'), text('rip'), text('lip')]
  const ttl = text('ttl')
  const forward = new Map(
    [...pairs].flatMap(([key, value]) => (key.startsWith('x-') ? [[key.slice(2), value] as const] : [])),
  )
  return {
    ...(session === undefined ? {} : { session }),
    ...(remoteIp === undefined ? {} : { remoteIp }),
    ...(localIp === undefined ? {} : { localIp }),
    ...(ttl === undefined ? {} : { ttl: Number(ttl) }),
    ...(forward.size === 0 ? {} : { forward }),
  }
}

function conclude(io: LoginIo, tag: string, verdict: LoginVerdict): LoginEnd | undefined {
  switch (verdict.kind) {
    case 'proxied':
      io.stream.write(`${tag} ${verdict.welcome.lines.join(' ')}\r\n`)
      return { kind: 'proxied' }
    case 'local':
      io.stream.write(`${tag} OK local\r\n`)
      return { kind: 'local', user: verdict.user }
    case 'refused':
      return say(io, `${tag} NO refused ${verdict.why.kind}\r\n`)
    case 'proxy-failed':
      return say(io, `${tag} NO proxy-failed ${verdict.retryLater ? 'later' : 'for good'}\r\n`)
    case 'backend-refused':
      return say(io, `${tag} NO backend-refused ${verdict.reply.lines.join(' ')}\r\n`)
  }
}

async function backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  io.step = '/none'
  const banner = await nextLine(io)
  if (!banner.startsWith('* OK ')) throw new ProxyFailure('protocol', `Invalid banner: ${banner}`)
  if (target.tls === 'starttls') {
    io.step = 'starttls/banner'
    io.stream.write('S STARTTLS\r\n')
    if ((await nextLine(io)) !== 'S OK') throw new ProxyFailure('remote', 'STARTTLS failed')
    await io.startTls()
  }
  if (banner.includes('[FORWARD]') && !target.notTrusted) {
    const { session, remote } = io.identity
    const fields = [...target.forward].map(([key, value]) => ` x-${key}=${value ?? ''}`).join('')
    io.stream.write(`I FORWARD session=${session} rip=${remote.ip} ttl=${target.ttl}${fields}\r\n`)
    await nextLine(io)
  }
  io.step = 'login/banner'
  io.stream.write(`L LOGIN ${target.destuser} ${target.secret?.reveal().toString() ?? ''}\r\n`)
  const reply = await nextLine(io)
  const text = reply.slice(2)
  if (text.startsWith('OK')) return { untagged: [], lines: [text] }
  // A proxy behind this one tells its own verdict; to us it is a refusal.
  throw new ProxyFailure('auth', text.replace(/^NO /, ''), { reply: { lines: [text] } })
}

async function nextLine(io: BackendIo): Promise<string> {
  const line = await io.stream.readLine(4096)
  if (line === undefined) throw new ProxyFailure('connect', 'Disconnected by server: Connection closed')
  return line
}
