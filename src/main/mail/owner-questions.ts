import type { OwnerServer } from '../../storage/formats/imapc.ts'
import { Questions } from './questions.ts'

/** Asks those who may look into the userdbs about another user, whose mail somebody shares. */
export interface OwnerQuestion {
  readonly id: number
  readonly owner: string
  /** Also which other server has his mail. */
  readonly route: boolean
}

export type OwnerAnswer =
  | { readonly kind: 'found'; readonly home: string | undefined; readonly server?: OwnerServer }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: string }

export interface OwnerReply {
  readonly id: number
  readonly answer: OwnerAnswer
}

/** Questions of one mail worker that wait for an answer. */
export class OwnerQuestions {
  readonly #questions: Questions<Omit<OwnerQuestion, 'id'>, OwnerAnswer>

  constructor(ask: (question: OwnerQuestion) => void) {
    this.#questions = new Questions((question) => ask(question))
  }

  async ask(owner: string, route: boolean): Promise<OwnerAnswer> {
    return await this.#questions.ask({ owner, route })
  }

  hear({ id, answer }: OwnerReply): void {
    this.#questions.hear(id, answer)
  }
}
