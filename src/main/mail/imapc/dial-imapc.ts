import { setTimeout as pause } from 'node:timers/promises'
import { type ByteStream, ConnectionLost, DeadlineExceeded } from '../../../net/byte-stream.ts'
import { dial, DialFailed } from '../../../net/dial.ts'
import type { SocketStream } from '../../../net/socket-stream.ts'
import { type ClientTlsOptions, startTlsClient, TlsFailed } from '../../../net/tls.ts'
import { type ClientTlsContext, TlsSettingsError } from '../../../net/tls-context.ts'
import type { Settings } from '../../../config/config.ts'
import { imap } from '../../../protocols/imap/index.ts'
import type { BackendIo, ProxyTarget } from '../../../protocols/protocol.ts'
import { ProxyFailure } from '../../../protocols/proxy-failure.ts'
import type { Resolver } from '../../../proxy/resolve.ts'
import { normalizeIp } from '../../../util/ip.ts'
import type { ImapcUser } from './imapc-place.ts'
import type { ImapcServer } from './imapc-server.ts'

/** What connecting needs of this process. */
export interface ImapcDialing {
  readonly resolver: Resolver
  /** Whom to trust. Throws TlsSettingsError. */
  readonly tlsContext: (settings: Settings) => ClientTlsContext
}

/** No connection, or no login. The message is for the log. */
export class ImapcFailed extends Error {
  override readonly name = 'ImapcFailed'
  /** The server is there, and said no. */
  readonly isRefusal: boolean

  constructor(
    message: string,
    { isRefusal = false, cause }: { readonly isRefusal?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.isRefusal = isRefusal
  }
}

export const IMAPC_LIMITS = {
  /** Connecting and logging in, each time it is tried: Dovecot's IMAPC_DEFAULT_CONNECT_TIMEOUT_MSECS. */
  loginMs: 30_000,
} as const

/** Connects and logs in; `imapc_connection_retry_count` further times where that may help. Rejects with ImapcFailed. */
export async function dialImapc(user: ImapcUser, server: ImapcServer, signal: AbortSignal): Promise<ByteStream> {
  const { imapc_connection_retry_count: retries, imapc_connection_retry_interval: intervalMs } = user.settings
  // Each server of a chain that trusts the one before takes one off.
  if (user.identity.ttl <= 1) throw new ImapcFailed('TTL reached zero - servers appear to be asking each other')
  const ip = await addressOf(user, server)
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(user, { ...server, ip }, signal)
    } catch (error) {
      if (signal.aborted) throw new ImapcFailed('Timed out', { cause: error })
      const { text, mayPass } = describe(error)
      const isRefusal = error instanceof ProxyFailure && error.class === 'auth'
      if (!mayPass || tries >= retries) throw new ImapcFailed(text, { isRefusal, cause: error })
      await pause(intervalMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

async function addressOf({ dialing }: ImapcUser, { host, ip }: ImapcServer): Promise<string> {
  const literal = normalizeIp(ip ?? host)
  if (literal !== undefined) return literal
  const resolved = await dialing.resolver.resolve(host, IMAPC_LIMITS.loginMs)
  const [first] = resolved.kind === 'resolved' ? resolved.addresses : []
  if (first === undefined) throw new ImapcFailed(`no address for ${host}`)
  return first
}

async function attempt(
  user: ImapcUser,
  server: ImapcServer & { readonly ip: string },
  signal: AbortSignal,
): Promise<ByteStream> {
  const { settings, dialing } = user
  const tls: ClientTlsOptions | undefined =
    server.tls === undefined
      ? undefined
      : { context: dialing.tlsContext(settings), host: server.host, verify: server.verifies }
  const stream = await dial({
    ip: server.ip,
    port: server.port,
    onread: false,
    timeoutMs: IMAPC_LIMITS.loginMs,
    signal,
    ...(server.tls === 'imaps' ? { tls } : {}),
  })
  const abort = (): void => stream.destroy()
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    await imap.backend(backendIo(user, stream, tls), targetOf(user, server))
    stream.setDeadline(undefined)
    return stream
  } catch (error) {
    stream.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function backendIo(user: ImapcUser, stream: SocketStream, tls: ClientTlsOptions | undefined): BackendIo {
  return {
    stream,
    settings: user.settings,
    // A session of its own, which names the one it belongs to.
    identity: { ...user.identity, session: `${user.identity.session}.r` },
    hostname: user.hostname,
    step: '/none',
    startTls: async () => {
      if (tls !== undefined) await startTlsClient(stream, tls)
    },
    channelBinding: () => undefined,
    warn: (text) => user.log('warning', `imapc: ${text}`),
  }
}

function targetOf(
  { identity, settings }: ImapcUser,
  { host, ip, port, tls, verifies, user, master }: ImapcServer & { readonly ip: string },
): ProxyTarget {
  const [wanted] = settings.imapc_sasl_mechanisms.split(/[\s,]+/).filter((word) => word !== '')
  const mechanism = wanted?.toUpperCase() ?? (master === undefined ? undefined : 'PLAIN')
  return {
    host,
    ip,
    port,
    tls: tls === undefined ? 'none' : tls === 'imaps' ? 'implicit' : 'starttls',
    verifyCertificate: verifies,
    destuser: user,
    ...(master === undefined ? {} : { master }),
    secret: settings.imapc_password,
    ...(mechanism === undefined ? {} : { mechanism }),
    nopipelining: false,
    notTrusted: false,
    noauth: false,
    ttl: identity.ttl - 1,
    forward: new Map(),
    timeoutMs: IMAPC_LIMITS.loginMs,
    immediateFailureAfterMs: 0,
  }
}

/** What went wrong, for the log, and whether it may be otherwise in a moment. */
function describe(error: unknown): { readonly text: string; readonly mayPass: boolean } {
  if (error instanceof DialFailed)
    return { text: error.message, mayPass: error.fault === 'connect' || error.fault === 'closed' }
  if (error instanceof ProxyFailure) {
    return { text: error.message, mayPass: error.class === 'connect' || error.class === 'auth-temp' }
  }
  if (error instanceof DeadlineExceeded) return { text: 'Timed out', mayPass: false }
  if (error instanceof ConnectionLost || error instanceof TlsFailed || error instanceof TlsSettingsError) {
    return { text: error.message, mayPass: false }
  }
  throw error
}
