import type { OwnerServer } from '../../storage/formats/imapc.ts'
import { Questions } from './questions.ts'

/** Asks those who may look into the userdbs about another user, whose mail somebody shares. */
export interface AskedOwner {
  readonly owner: string
  /** Also which other server has his mail. */
  readonly route: boolean
}

export interface OwnerQuestion extends AskedOwner {
  readonly id: number
}

export type OwnerAnswer =
  | { readonly kind: 'found'; readonly home: string | undefined; readonly server?: OwnerServer }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: string }

export interface OwnerReply {
  readonly id: number
  readonly answer: OwnerAnswer
}

/** Owners that are asked about at once, at most: those who answer do other things, too. */
const ASKED_AT_ONCE = 250

/** Questions of one mail worker that wait for an answer. LIST asks about a thousand owners at a time: they go together. */
export class OwnerQuestions {
  readonly #questions: Questions<Omit<OwnerQuestion, 'id'>, OwnerAnswer>
  readonly #ask: (questions: readonly OwnerQuestion[]) => void
  #asked: OwnerQuestion[] = []

  constructor(ask: (questions: readonly OwnerQuestion[]) => void) {
    this.#ask = ask
    this.#questions = new Questions((question) => this.#add(question))
  }

  async ask(owner: string, route: boolean): Promise<OwnerAnswer> {
    return await this.#questions.ask({ owner, route })
  }

  hear(replies: readonly OwnerReply[]): void {
    for (const { id, answer } of replies) this.#questions.hear(id, answer)
  }

  #add(question: OwnerQuestion): void {
    // Behind all promises: whoever asks about many owners has asked about them by then.
    if (this.#asked.length === 0) process.nextTick(() => this.#flush())
    this.#asked.push(question)
    if (this.#asked.length >= ASKED_AT_ONCE) this.#flush()
  }

  #flush(): void {
    const asked = this.#asked
    this.#asked = []
    if (asked.length > 0) this.#ask(asked)
  }
}
