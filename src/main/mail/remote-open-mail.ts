import type { Settings } from '../../config/config.ts'
import type { LocalLogin, OpenMail } from '../../login/environment.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import { relay } from '../../proxy/relay.ts'
import type { RemoteSession } from './remote-mail.ts'
import type { HandedSession } from './session-pipe.ts'

const NO_PLUGINS: ReadonlySet<string> = new Set()

/** Mail that another process serves over the client's own connection. */
export function handedMail({ pid, over, kick }: HandedSession, settings: Settings): OpenMail {
  return {
    session: answeredThere(settings),
    pid,
    serve: async () => await over,
    discard: kick,
    kick,
  }
}

/** Mail that another process serves: its bytes pass through here. */
export function relayedMail({ stream, pid }: RemoteSession, login: LocalLogin): OpenMail {
  const goodbye = login.protocol.goodbye('shutting-down', login.hostname)
  return new RelayedMail(stream, pid, answeredThere(login.record.settings), goodbye)
}

/** What the session can do is known where its OK is said. */
function answeredThere(settings: Settings): OpenMail['session'] {
  return { settings, plugins: NO_PLUGINS, answered: true }
}

/** Nothing under way. */
const QUIET_MS = 100

class RelayedMail implements OpenMail {
  readonly pid: number
  readonly session: OpenMail['session']
  readonly #mail: ByteStream
  /** Last words to a client that is sent away. */
  readonly #goodbye: string
  #kick: ((reason: string) => void) | undefined

  constructor(mail: ByteStream, pid: number, session: OpenMail['session'], goodbye: string) {
    this.#goodbye = goodbye
    this.pid = pid
    this.#mail = mail
    this.session = session
  }

  async serve(client: ByteStream): Promise<void> {
    await new Promise<void>((resolve) => {
      const ours = client.detach()
      const session = relay(ours, this.#mail.detach(), { onEnd: () => resolve() })
      this.#kick = (reason) => {
        // In the middle of a reply a word of ours would be taken for part of it.
        if (session.idleMs > QUIET_MS) ours.socket.write(this.#goodbye, 'latin1')
        session.kick(reason)
      }
    })
  }

  discard(): void {
    this.#mail.destroy()
  }

  kick(reason: string): void {
    this.#kick?.(reason)
  }
}
