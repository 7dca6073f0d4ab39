import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MailLocation } from '../../src/storage/formats/format.ts'
import { Deferred } from '../../src/util/deferred.ts'
import { PATIENCE_MS, within } from '../support/deadline.ts'
import type { MaildirSession } from './session.ts'
import type { SessionCall, SessionReply } from './session-process.ts'

/** Methods of a session that can be called from another process. */
type Method = {
  [Name in keyof MaildirSession]: MaildirSession[Name] extends (...args: never[]) => Promise<unknown> ? Name : never
}[keyof MaildirSession]

/** A process of ours that works on a Maildir, as the user whom the mail belongs to. */
export class OurProcess {
  /** What it logged as a warning or worse. */
  readonly complaints: string[] = []
  readonly #child: ChildProcess
  readonly #calls = new Map<number, Deferred<unknown>>()
  #last = 0

  constructor(
    root: string,
    user: { readonly uid: number; readonly gid: number } | undefined,
    location: Partial<MailLocation> = {},
  ) {
    const args = [root, JSON.stringify(location)]
    this.#child = fork(fileURLToPath(new URL('./session-process.ts', import.meta.url)), args, {
      ...user,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (reply: SessionReply) => this.#hear(reply))
    this.#child.on('exit', () => {
      for (const call of this.#calls.values()) call.reject(new Error('the process ended'))
      this.#calls.clear()
    })
  }

  /** Runs a method of the session there. Rejects when the process ends first. */
  call<Name extends Method>(
    method: Name,
    ...args: Parameters<MaildirSession[Name]>
  ): Promise<Awaited<ReturnType<MaildirSession[Name]>>> {
    const id = ++this.#last
    const done = new Deferred<unknown>()
    this.#calls.set(id, done)
    this.#child.send({ id, method, args } satisfies SessionCall, (error) => {
      if (error !== null) done.reject(error)
    })
    return within(PATIENCE_MS, () => `no answer to ${method}`, done.promise) as Promise<
      Awaited<ReturnType<MaildirSession[Name]>>
    >
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }

  #hear({ id, value, error, log }: SessionReply): void {
    this.complaints.push(...log.filter((line) => /^(warning|error)/.test(line)))
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(new Error(error))
  }
}

/** The user whom Dovecot serves mail as in tests; ourselves when we may not change. */
export function mailUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'mail'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
