import type { MailOwner } from './mail-owner.ts'
import { Questions } from './questions.ts'

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
  readonly #questions: Questions<Omit<MailWorkerQuestion, 'id'>, MailWorkerReply>

  constructor(ask: (question: MailWorkerQuestion) => void) {
    this.#questions = new Questions((question) => ask(question))
  }

  /** Rejects when the process cannot be started. */
  async socketFor(owner: MailOwner, share: number): Promise<string> {
    const reply = await this.#questions.ask({ owner, share })
    if ('path' in reply) return reply.path
    throw new Error(reply.error)
  }

  hear(reply: MailWorkerReply): void {
    this.#questions.hear(reply.id, reply)
  }
}
