import { Deferred } from '../../util/deferred.ts'

/** Asks those who may look into the userdbs about another user, whose mail somebody shares. */
export interface OwnerQuestion {
  readonly id: number
  readonly owner: string
}

export type OwnerAnswer =
  | { readonly kind: 'found'; readonly home: string | undefined }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: string }

export interface OwnerReply {
  readonly id: number
  readonly answer: OwnerAnswer
}

/** Questions of one mail worker that wait for an answer. */
export class OwnerQuestions {
  readonly #ask: (question: OwnerQuestion) => void
  readonly #waiting = new Map<number, Deferred<OwnerAnswer>>()
  #asked = 0

  constructor(ask: (question: OwnerQuestion) => void) {
    this.#ask = ask
  }

  async ask(owner: string): Promise<OwnerAnswer> {
    const id = ++this.#asked
    const waiting = new Deferred<OwnerAnswer>()
    this.#waiting.set(id, waiting)
    this.#ask({ id, owner })
    return await waiting.promise
  }

  hear({ id, answer }: OwnerReply): void {
    this.#waiting.get(id)?.resolve(answer)
    this.#waiting.delete(id)
  }
}
