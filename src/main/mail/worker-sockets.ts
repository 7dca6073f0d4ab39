import { Deferred } from '../../util/deferred.ts'
import type { MailOwner } from './mail-owner.ts'

/** Asks the supervisor for the socket of the process that has an owner's rights. */
export interface MailWorkerQuestion {
  readonly id: number
  readonly owner: MailOwner
  readonly share: number
}

export type MailWorkerReply =
  | { readonly id: number; readonly path: string }
  | { readonly id: number; readonly error: string }

/** Questions of one worker that wait for an answer. */
export class WorkerSockets {
  readonly #ask: (question: MailWorkerQuestion) => void
  readonly #waiting = new Map<number, Deferred<string>>()
  #asked = 0

  constructor(ask: (question: MailWorkerQuestion) => void) {
    this.#ask = ask
  }

  /** Rejects when the process cannot be started. */
  async socketFor(owner: MailOwner, share: number): Promise<string> {
    const id = ++this.#asked
    const answer = new Deferred<string>()
    this.#waiting.set(id, answer)
    this.#ask({ id, owner, share })
    return await answer.promise
  }

  hear(reply: MailWorkerReply): void {
    const answer = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if ('path' in reply) answer?.resolve(reply.path)
    else answer?.reject(new Error(reply.error))
  }
}
