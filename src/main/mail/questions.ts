import { Deferred } from '../../util/deferred.ts'
import { RenewedMap } from '../../util/renewed-map.ts'

/** Questions to another process that wait for their answers, told apart by number. */
export class Questions<Question, Answer> {
  readonly #send: (question: Question & { readonly id: number }) => void
  readonly #waiting = new RenewedMap<Deferred<Answer>, number>()
  #asked = 0

  constructor(send: (question: Question & { readonly id: number }) => void) {
    this.#send = send
  }

  async ask(question: Question): Promise<Answer> {
    const id = ++this.#asked
    const answer = new Deferred<Answer>()
    this.#waiting.set(id, answer)
    this.#send({ ...question, id })
    return await answer.promise
  }

  hear(id: number, answer: Answer): void {
    this.#waiting.get(id)?.resolve(answer)
    this.#waiting.delete(id)
  }
}
