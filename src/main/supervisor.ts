import cluster, { type Worker } from 'node:cluster'
import { randomBytes } from 'node:crypto'
import type { Observer } from '../observe/events.ts'
import { Deferred } from '../util/deferred.ts'
import { DeadBackends } from './dead-backends.ts'
import { WORKER_FLAGS } from './engine.ts'
import type { MailOwner } from './mail/mail-owner.ts'
import type { MailWorkers } from './mail/mail-workers.ts'
import { superviseMail } from './mail/supervised-mail.ts'
import type { MailWorkerQuestion } from './mail/worker-sockets.ts'
import type { BoundListener, ConfigSource, FromWorker, Question, ToWorker } from './messages.ts'
import type { SharedState, WorkerLink } from './shared-state.ts'
import type { WorkerAnswer } from './worker-commands.ts'

/** A worker that is not ready within this time after it got a configuration is taken for broken. */
const PREPARE_MS = 60_000
/** Answers to a question that is asked of all workers. */
const ANSWER_MS = 5_000
/** TLS session tickets: one key for all workers, so that a client can resume at any of them. */
const TICKET_KEY_BYTES = 48
const TICKET_KEY_LIFE_MS = 12 * 3_600_000
/** A worker that dies sooner than this after its start is replaced only after a pause, so that a broken start does not spin. */
const SHORT_LIFE_MS = 5_000
const RESTART_PAUSE_MS = 1_000
/** After the grace period, workers are killed. */
const KILL_AFTER_MS = 2_000

interface Member {
  readonly number: number
  readonly worker: Worker
  readonly startedAt: number
  sessions: number
  /** What the worker answered to the newest `prepare`. */
  prepared: Deferred<readonly BoundListener[]>
}

/**
 * Keeps the worker processes: starts them with one configuration, replaces those that die, brings a new configuration to
 * all of them or to none, and ends them. It never touches a session itself.
 */
export class Supervisor {
  readonly #observer: Observer
  readonly #news = new DeadBackends()
  readonly #shared: SharedState
  readonly #mail: MailWorkers
  readonly #members = new Map<number, Member>()
  readonly #answers = new Map<number, { waiting: Set<number>; values: unknown[]; done: Deferred<readonly unknown[]> }>()
  readonly #practises: boolean
  #count: number
  #source: ConfigSource
  #generation = 1
  #nextQuestion = 1
  #ticketKeys = randomBytes(TICKET_KEY_BYTES)
  #ticketTimer: NodeJS.Timeout | undefined
  #stopping = false
  /** The reload that is going on: replacements wait for it, so that they start with what it decides. */
  #reloading: Promise<unknown> = Promise.resolve()
  /** Replacements that are not ready: a reload waits for them, so that none is given two configurations at once. */
  readonly #starting = new Set<Promise<void>>()
  #stopped = new Deferred<void>()

  constructor(options: {
    source: ConfigSource
    workers: number
    /** `postern_practice`, as it was at the start. */
    practises: boolean
    observer: Observer
    shared: SharedState
    /** `base_dir`. */
    baseDir: string
  }) {
    this.#shared = options.shared
    this.#source = options.source
    this.#count = options.workers
    this.#practises = options.practises
    this.#observer = options.observer
    this.#mail = superviseMail({
      ...options,
      askWorker: async (question, timeoutMs) => await this.askOne(question, timeoutMs),
    })
  }

  /** Starts all workers. Resolves with the listeners when every one accepts; rejects when one cannot. */
  async start(workerFile: string): Promise<readonly BoundListener[]> {
    // Handing connections over one by one (SCHED_RR) costs more than a login; the kernel spreads them well enough.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({
      exec: workerFile,
      args: [],
      // Flags of our own command line come behind and win.
      execArgv: [...WORKER_FLAGS, ...process.execArgv],
      serialization: 'advanced',
      silent: false,
    })
    this.#shared.open(this.#workerLink())
    cluster.on('message', (worker, message: FromWorker) => this.#onMessage(worker, message))
    cluster.on('exit', (worker, code, signal) => this.#onExit(worker, code, signal))
    this.#ticketTimer = setInterval(() => this.#rotateTicketKeys(), TICKET_KEY_LIFE_MS).unref()
    const members = Array.from({ length: this.#count }, (_, index) => this.#fork(index + 1))
    const bound = await Promise.all(members.map((member) => member.prepared.promise))
    for (const member of members) this.#send(member, { kind: 'commit', generation: this.#generation })
    return bound[0] ?? []
  }

  /** Brings a new configuration to all workers; when one cannot take it, all keep the old one. Rejects with the reason. */
  async reload(source: ConfigSource): Promise<readonly BoundListener[]> {
    const turn = this.#reloading.then(async () => await this.#reload(source))
    this.#reloading = turn.catch(() => undefined)
    return await turn
  }

  async #reload(source: ConfigSource): Promise<readonly BoundListener[]> {
    await Promise.all(this.#starting)
    const generation = ++this.#generation
    const members = [...this.#members.values()]
    for (const member of members) {
      member.prepared = new Deferred()
      this.#send(member, { kind: 'prepare', generation, source, ticketKeys: this.#ticketKeys, workers: this.#count })
    }
    const results = await Promise.allSettled(members.map((member) => withDeadline(member.prepared.promise)))
    const failed = results.find((result) => result.status === 'rejected')
    for (const member of members) {
      this.#send(member, { kind: failed === undefined ? 'commit' : 'discard', generation })
    }
    if (failed !== undefined) throw failed.reason
    this.#source = source
    this.#mail.configure(source)
    const first = results[0]
    return first?.status === 'fulfilled' ? first.value : []
  }

  /** The configuration the workers run. */
  get source(): ConfigSource {
    return this.#source
  }

  get workers(): readonly { readonly number: number; readonly pid: number; readonly sessions: number }[] {
    return [...this.#members.values()].map(({ number, worker, sessions }) => ({
      number,
      pid: worker.process.pid ?? 0,
      sessions,
    }))
  }

  get workerCount(): number {
    return this.#count
  }

  /** The socket of the process that opens this owner's mail. Rejects when it cannot be started. */
  async mailSocket(owner: MailOwner, share: number): Promise<string> {
    return await this.#mail.socketFor(owner, share)
  }

  /** Asks all workers; those that do not answer in time are left out. */
  async askAll(question: Question): Promise<readonly unknown[]> {
    return await this.#ask([...this.#members.values()], question, ANSWER_MS)
  }

  /** Asks the worker that has been there longest; undefined when it does not answer in time. */
  async askOne(question: Question, timeoutMs: number): Promise<unknown> {
    const [first] = [...this.#members.values()].sort((left, right) => left.startedAt - right.startedAt)
    return (await this.#ask(first === undefined ? [] : [first], question, timeoutMs))[0]
  }

  async #ask(members: readonly Member[], question: Question, timeoutMs: number): Promise<readonly unknown[]> {
    if (members.length === 0) return []
    const id = this.#nextQuestion++
    const entry = {
      waiting: new Set(members.map((member) => member.number)),
      values: [],
      done: new Deferred<readonly unknown[]>(),
    }
    this.#answers.set(id, entry)
    for (const member of members) this.#send(member, { kind: 'ask', id, question })
    const timer = setTimeout(() => entry.done.resolve(entry.values), timeoutMs)
    try {
      return await entry.done.promise
    } finally {
      clearTimeout(timer)
      this.#answers.delete(id)
    }
  }

  /** Workers that answer a command, as the shared state needs them. */
  #workerLink(): WorkerLink {
    return {
      tell: (message, to) => {
        for (const [id, member] of this.#members) {
          const isMeant = 'only' in to ? id === to.only : id !== to.except
          if (isMeant) this.#send(member, { kind: 'shared', message })
        }
      },
      command: async (name, input) => {
        const answers = (await this.askAll({ kind: 'command', name, input })) as readonly WorkerAnswer[]
        return answers.flatMap((answer) => (answer.kind === 'done' ? [answer.value] : []))
      },
    }
  }

  reopenLogs(): void {
    for (const member of this.#members.values()) this.#send(member, { kind: 'reopen-logs' })
  }

  /** Ends all workers: politely within `graceMs`, then by force. Calling it again shortens the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    clearInterval(this.#ticketTimer)
    for (const member of this.#members.values()) this.#send(member, { kind: 'stop', graceMs })
    if (this.#members.size === 0) this.#stopped.resolve()
    const killer = setTimeout(() => {
      for (const member of this.#members.values()) member.worker.process.kill('SIGKILL')
    }, graceMs + KILL_AFTER_MS)
    await Promise.all([this.#stopped.promise, this.#mail.stop(graceMs)])
    clearTimeout(killer)
  }

  #fork(number: number): Member {
    const worker = cluster.fork()
    const member: Member = { number, worker, startedAt: Date.now(), sessions: 0, prepared: new Deferred() }
    this.#members.set(worker.id, member)
    this.#observer.emit('worker_started', { worker: number, pid: worker.process.pid ?? 0 })
    return member
  }

  #send(member: Member, message: ToWorker): void {
    if (!member.worker.isConnected()) return
    member.worker.send(message, (error) => {
      if (error !== null)
        this.#observer.log('warning', 'master', `Worker ${member.number} could not be told: ${error.message}`)
    })
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    const member = this.#members.get(worker.id)
    if (member === undefined) return
    switch (message.kind) {
      case 'hello':
        this.#shared.workerStarted(worker.id)
        this.#send(member, {
          kind: 'prepare',
          generation: this.#generation,
          source: this.#source,
          ticketKeys: this.#ticketKeys,
          workers: this.#count,
          practise: this.#practises,
        })
        return
      case 'prepared':
        for (const news of this.#news.known()) this.#send(member, { kind: 'backend-news', news })
        if (message.generation === this.#generation) member.prepared.resolve(message.listeners)
        return
      case 'failed':
        if (message.generation === this.#generation) member.prepared.reject(new Error(message.error))
        return
      case 'answer':
        this.#onAnswer(member, message)
        return
      case 'sessions':
        member.sessions = message.count
        return
      case 'shared':
        this.#shared.hear(worker.id, message.message)
        return
      case 'mail-worker':
        void this.#findMailWorker(member, message.question)
        return
      case 'backend-news':
        this.#news.add(message.news)
        for (const other of this.#members.values()) if (other !== member) this.#send(other, message)
    }
  }

  async #findMailWorker(member: Member, { id, owner, share }: MailWorkerQuestion): Promise<void> {
    try {
      const path = await this.#mail.socketFor(owner, share)
      this.#send(member, { kind: 'mail-worker', reply: { id, path } })
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#send(member, { kind: 'mail-worker', reply: { id, error: text } })
    }
  }

  #onAnswer(member: Member, message: { id: number; value: unknown }): void {
    const entry = this.#answers.get(message.id)
    if (entry === undefined || !entry.waiting.delete(member.number)) return
    entry.values.push(message.value)
    if (entry.waiting.size === 0) entry.done.resolve(entry.values)
  }

  #onExit(worker: Worker, code: number | null, signal: string | null): void {
    const member = this.#members.get(worker.id)
    if (member === undefined) return
    this.#members.delete(worker.id)
    this.#shared.workerGone(worker.id)
    const cause = signal === null ? `exit status ${code ?? 0}` : `signal ${signal}`
    member.prepared.reject(new Error(`worker ended before it was ready (${cause})`))
    for (const entry of this.#answers.values()) {
      if (entry.waiting.delete(member.number) && entry.waiting.size === 0) entry.done.resolve(entry.values)
    }
    if (this.#stopping) {
      if (this.#members.size === 0) this.#stopped.resolve()
      return
    }
    const pid = worker.process.pid ?? 0
    this.#observer.emit('worker_died', { worker: member.number, pid, cause, sessions: member.sessions })
    const pause = Date.now() - member.startedAt < SHORT_LIFE_MS ? RESTART_PAUSE_MS : 0
    setTimeout(() => void this.#replace(member.number), pause)
  }

  async #replace(number: number): Promise<void> {
    // Another reload may have begun when one is over.
    for (let waited; waited !== this.#reloading; ) {
      waited = this.#reloading
      await waited
    }
    if (this.#stopping) return
    const starting = this.#startReplacement(number)
    this.#starting.add(starting)
    await starting
    this.#starting.delete(starting)
  }

  /** The replacement for a dead worker serves alone as soon as it is ready. */
  async #startReplacement(number: number): Promise<void> {
    const member = this.#fork(number)
    try {
      await withDeadline(member.prepared.promise)
      this.#send(member, { kind: 'commit', generation: this.#generation })
    } catch (error) {
      this.#observer.log(
        'error',
        'master',
        `Worker ${number} did not start: ${error instanceof Error ? error.message : String(error)}`,
      )
      member.worker.process.kill('SIGKILL')
    }
  }

  #rotateTicketKeys(): void {
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES)
    for (const member of this.#members.values())
      this.#send(member, { kind: 'ticket-keys', ticketKeys: this.#ticketKeys })
  }
}

async function withDeadline<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`worker was not ready within ${PREPARE_MS / 1000} secs`)), PREPARE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
