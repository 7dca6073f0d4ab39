import type { Wire } from '../support/wire.ts'
import { startScriptedBackend } from './scripted-backend.ts'

/** An SMTP server that takes every message: what a submission server relays to. */
export interface MailRelay {
  readonly port: number
  /** Messages so far, as they came behind DATA. */
  readonly messages: readonly string[]
  close(): Promise<void>
}

export async function startMailRelay(): Promise<MailRelay> {
  const messages: string[] = []
  const server = await startScriptedBackend(async (wire) => await serve(wire, messages).catch(() => undefined))
  return { port: server.port, messages, close: async () => await server.close() }
}

async function serve(wire: Wire, messages: string[]): Promise<void> {
  wire.send('220 relay ESMTP')
  for (;;) {
    const command = (await wire.line(600_000)).slice(0, 4).toUpperCase()
    if (command === 'EHLO') wire.send('250-relay', '250-8BITMIME', '250 PIPELINING')
    else if (command === 'DATA') messages.push(await takeMessage(wire))
    else if (command === 'QUIT') {
      wire.send('221 bye')
      return
    } else wire.send('250 fine')
  }
}

async function takeMessage(wire: Wire): Promise<string> {
  wire.send('354 go on')
  const lines = await wire.linesUntil(/^\.$/)
  wire.send('250 taken')
  return lines.slice(0, -1).join('\r\n')
}
