// The servers of a cluster as one of them sees it: who is there, what they tell, what they answer.
import type { Observer } from '../observe/events.ts'
import type { ClusterBus } from './bus.ts'
import { CLUSTER_LIMITS } from './limits.ts'
import { readMessage, type ClusterMessage, writeMessage } from './message.ts'

export interface ClusterNeeds {
  readonly bus: ClusterBus
  /** Unlike any other server's. */
  readonly self: string
  readonly observer: Pick<Observer, 'log'>
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly listener: ClusterListener
}

export interface ClusterListener {
  /** The bus works, for the first time or again. */
  readonly onUp: () => void
  /** Another server came, or came back: it knows nothing of us yet. */
  readonly onJoined: (member: string) => void
  /** It left, or has not been heard of for too long. */
  readonly onLeft: (member: string) => void
  /** What another server tells. */
  readonly onTold: (topic: string, data: unknown, member: string) => void
  /** What another server asks. */
  readonly onAsked: (topic: string, data: unknown) => Promise<readonly unknown[]>
}

interface Question {
  readonly waiting: Set<string>
  readonly rows: unknown[]
  readonly done: () => void
}

const SERVICE = 'cluster'

export class Cluster {
  readonly #needs: ClusterNeeds
  readonly #members = new Map<string, number>()
  readonly #questions = new Map<number, Question>()
  #nextQuestion = 1
  #timer: NodeJS.Timeout | undefined
  #isUp: boolean | undefined

  constructor(needs: ClusterNeeds) {
    this.#needs = needs
  }

  /** Begins; logins need not wait for it. */
  open(): void {
    const { bus } = this.#needs
    bus.open({
      onUp: () => this.#onUp(),
      onDown: (why) => this.#onDown(why),
      onMessage: (text) => this.#onMessage(text),
    })
    this.#timer = setInterval(() => this.#beat(), CLUSTER_LIMITS.heartbeatMs).unref()
  }

  /** The others that are there. */
  get members(): readonly string[] {
    return [...this.#members.keys()]
  }

  /** Tells all others something, or one of them. */
  tell(topic: string, data: unknown, to?: string): void {
    this.#publish({ kind: 'tell', from: this.#needs.self, topic, data, ...(to !== undefined && { to }) })
  }

  /** Asks all others. Those that do not answer in time are named. */
  async ask(topic: string, data: unknown): Promise<{ rows: readonly unknown[]; silent: readonly string[] }> {
    if (this.#members.size === 0 || this.#isUp !== true) return { rows: [], silent: this.members }
    const id = this.#nextQuestion++
    const { promise, resolve } = Promise.withResolvers<void>()
    const question: Question = { waiting: new Set(this.#members.keys()), rows: [], done: resolve }
    this.#questions.set(id, question)
    const timer = setTimeout(resolve, CLUSTER_LIMITS.answerMs)
    this.#publish({ kind: 'ask', from: this.#needs.self, id, topic, data })
    await promise
    clearTimeout(timer)
    this.#questions.delete(id)
    return { rows: question.rows, silent: [...question.waiting] }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#publish({ kind: 'bye', from: this.#needs.self })
    await this.#needs.bus.close()
  }

  #publish(message: ClusterMessage): void {
    this.#needs.bus.publish(writeMessage(message))
  }

  #beat(): void {
    this.#publish({ kind: 'here', from: this.#needs.self, isNew: false })
    this.#forgetSilent()
  }

  #forgetSilent(): void {
    const oldest = this.#needs.now() - CLUSTER_LIMITS.silentMs
    for (const [member, heardMs] of this.#members) if (heardMs < oldest) this.#remove(member)
  }

  #remove(member: string): void {
    if (!this.#members.delete(member)) return
    for (const question of this.#questions.values()) {
      if (question.waiting.delete(member) && question.waiting.size === 0) question.done()
    }
    this.#needs.observer.log('info', SERVICE, `${member} has left`)
    this.#needs.listener.onLeft(member)
  }

  #onUp(): void {
    if (this.#isUp === false) this.#log('info', 'The cluster is back: servers share what they know again')
    this.#isUp = true
    this.#publish({ kind: 'here', from: this.#needs.self, isNew: true })
    this.#needs.listener.onUp()
  }

  #onDown(why: string): void {
    this.#isUp = false
    this.#log('error', `The cluster is away (${why}): this server goes on alone`)
  }

  #onMessage(text: string): void {
    const message = readMessage(text)
    if (message === undefined || message.from === this.#needs.self) return
    if (message.kind === 'bye') return this.#remove(message.from)
    this.#heard(message.from, message.kind === 'here' && message.isNew)
    switch (message.kind) {
      case 'tell':
        if (message.to === undefined || message.to === this.#needs.self)
          this.#needs.listener.onTold(message.topic, message.data, message.from)
        return
      case 'ask':
        void this.#answer(message)
        return
      case 'answer':
        if (message.to === this.#needs.self) this.#onAnswer(message)
        return
      case 'here':
    }
  }

  #heard(member: string, isNew: boolean): void {
    const isKnown = this.#members.has(member)
    if (!isKnown && this.#members.size >= CLUSTER_LIMITS.members) return
    this.#members.set(member, this.#needs.now())
    if (!isKnown) this.#log('info', `${member} is there`)
    // It may be new to us, or have lost us for a while.
    if (!isKnown || isNew) {
      this.#publish({ kind: 'here', from: this.#needs.self, isNew: false })
      this.#needs.listener.onJoined(member)
    }
  }

  async #answer({ from, id, topic, data }: Extract<ClusterMessage, { kind: 'ask' }>): Promise<void> {
    const { self, listener } = this.#needs
    let rows: readonly unknown[] = []
    try {
      rows = await listener.onAsked(topic, data)
    } catch (error) {
      this.#log(
        'error',
        `A question of ${from} has no answer: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    for (let at = 0; ; at += CLUSTER_LIMITS.rowsPerMessage) {
      const part = rows.slice(at, at + CLUSTER_LIMITS.rowsPerMessage)
      const isLast = at + part.length >= rows.length
      this.#publish({ kind: 'answer', from: self, to: from, id, rows: part, isLast })
      if (isLast) return
    }
  }

  #onAnswer({ from, id, rows, isLast }: Extract<ClusterMessage, { kind: 'answer' }>): void {
    const question = this.#questions.get(id)
    if (question?.waiting.has(from) !== true) return
    if (question.rows.length + rows.length <= CLUSTER_LIMITS.rows) question.rows.push(...rows)
    if (!isLast) return
    question.waiting.delete(from)
    if (question.waiting.size === 0) question.done()
  }

  #log(level: 'info' | 'error', text: string): void {
    this.#needs.observer.log(level, SERVICE, text)
  }
}
