import type { MailLocation } from '../../src/storage/formats/format.ts'
import { MaildirSession } from './session.ts'

// A process that works on a Maildir for its parent: so that it can have the user id of the mail, and be killed.

export interface SessionCall {
  readonly id: number
  readonly method: keyof MaildirSession
  readonly args: readonly unknown[]
}

export interface SessionReply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
  /** Lines logged since the last reply. */
  readonly log: readonly string[]
}

const [root = '', location = '{}'] = process.argv.slice(2)
const session = new MaildirSession(root, JSON.parse(location) as Partial<MailLocation>)

process.on('message', ({ id, method, args }: SessionCall) => {
  const call = session[method] as unknown as (...given: readonly unknown[]) => Promise<unknown>
  call.apply(session, args as unknown[]).then(
    (value) => reply({ id, value, log: session.log.splice(0) }),
    (error: unknown) => reply({ id, error: String(error), log: session.log.splice(0) }),
  )
})

function reply(message: SessionReply): void {
  process.send?.(message)
}
