import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Settings } from '../../src/config/config.ts'
import { SocketStream } from '../../src/net/socket-stream.ts'
import type { MailSession } from '../../src/protocols/mail-session.ts'
import { serve } from '../../src/protocols/imap/server/serve.ts'
import type { MailStore } from '../../src/storage/store.ts'
import { testIdentity, testSettings } from '../support/protocol-session.ts'

export interface InProcessOptions {
  openStore(user: string): MailStore
  readonly settings?: Partial<Settings>
  readonly plugins?: readonly string[]
}

export interface InProcessServer {
  readonly port: number
  readonly log: string[]
  close(): Promise<void>
}

/** An IMAP server of this process: whoever says `TAG LOGIN user x` is let in. */
export async function startInProcess(options: InProcessOptions): Promise<InProcessServer> {
  const log: string[] = []
  const sockets = new Set<Socket>()
  // Sessions share settings, as those of one configuration do.
  const shared = { ...options, all: testSettings(options.settings) }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    void converse(socket, shared, log).finally(() => socket.destroySoon())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    log,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function converse(
  socket: Socket,
  options: InProcessOptions & { readonly all: Settings },
  log: string[],
): Promise<void> {
  const stream = new SocketStream(socket)
  stream.write('* OK ready.\r\n')
  const line = await stream.readLine(1000)
  const [tag, , user = ''] = line?.split(' ') ?? []
  stream.write(`${tag} OK Logged in\r\n`)
  const store = options.openStore(user)
  await serve(stream, { ...mailSession(store, { plugins: options.plugins ?? [] }, log), settings: options.all })
  await store.close()
  await stream.close()
}

/** A logged-in user's session on a store. */
export function mailSession(
  store: MailStore,
  { settings, plugins = [] }: Pick<InProcessOptions, 'settings' | 'plugins'> = {},
  log: string[] = [],
  signal: AbortSignal = new AbortController().signal,
): MailSession {
  return {
    user: store.user,
    store,
    settings: settings === undefined ? DEFAULTS : testSettings(settings),
    identity: testIdentity,
    hostname: 'mail.example.org',
    tlsActive: false,
    plugins: new Set(plugins),
    signal,
    log: (level, text) => void log.push(`${level}: ${text}`),
  }
}

const DEFAULTS = testSettings()
