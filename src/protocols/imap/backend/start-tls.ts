import { shown } from '../../backend-line.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import type { BackendDialogue, SentCommand } from './dialogue.ts'

/**
 * STARTTLS and the handshake. Nothing else is sent in clear text: ID, which tells the client's address and the forwarded
 * fields, goes inside TLS with what `next` holds.
 */
export async function startTls(
  dialogue: BackendDialogue,
  announced: ReadonlySet<string> | undefined,
  next: readonly SentCommand[],
): Promise<void> {
  if (announced !== undefined && !announced.has('STARTTLS')) {
    throw new ProxyFailure('remote-config', 'STARTTLS not supported')
  }
  dialogue.send([{ tag: 'S', state: 'starttls', text: 'S STARTTLS\r\n' }])
  const text = await dialogue.replyTo('S')
  if (!/^OK( |$)/i.test(text)) {
    throw new ProxyFailure('remote', `STARTTLS failed: ${shown(text.replace(/^(NO|BAD) /, ''))}`)
  }
  dialogue.forgetCleartext()
  dialogue.expect(next)
  await dialogue.io.startTls()
}
