import { SessionOver } from './bad-command.ts'
import { INTERNAL_ERROR } from './internal-error.ts'
import { SERVER_LIMITS } from './limits.ts'
import type { ImapSession } from './session.ts'
import { syncMailbox } from './sync-report.ts'

/** Tells an idling client what happens in its mailbox, and now and then that the server is still there. */
export class IdleNews {
  readonly #session: ImapSession
  readonly #unlisten: (() => void) | undefined
  readonly #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(session: ImapSession) {
    this.#session = session
    this.#unlisten = session.selected?.mailbox.onChange(() => this.#tell())
    // `imap_idle_notify_interval`; 0 is never.
    const everyMs = session.mail.settings.imap_idle_notify_interval
    this.#timer = everyMs > 0 ? setInterval(stillHere, everyMs, session) : undefined
    this.#tell()
  }

  /** Resolves when nothing more will be told. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unlisten?.()
    clearInterval(this.#timer)
    await this.#running
  }

  #tell(): void {
    this.#again = true
    this.#running ??= this.#tellAll().finally(() => (this.#running = undefined))
  }

  async #tellAll(): Promise<void> {
    const { selected, out, stream } = this.#session
    if (selected === undefined) return
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false
        await syncMailbox(this.#session, { expunge: true, safe: true })
        out.flush()
      }
    } catch (error) {
      if (!(error instanceof SessionOver)) this.#session.mail.log('error', `IDLE failed: ${String(error)}`)
      this.#session.over = error instanceof SessionOver ? error.message : INTERNAL_ERROR
      // Whoever waits for DONE gives up.
      stream.setDeadline(1)
    }
  }
}

function stillHere({ out, stream }: ImapSession): void {
  out.text('* OK Still here\r\n')
  out.flush()
  // A client that idles for days is no idle client.
  stream.setDeadline(SERVER_LIMITS.idleMs)
}
