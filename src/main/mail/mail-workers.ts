import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { LogLevel } from '../../observe/events.ts'
import { Deferred } from '../../util/deferred.ts'
import type { ConfigSource } from '../messages.ts'
import type { LogLine } from './line-batch.ts'
import { type MailOwner, ownerKey } from './mail-owner.ts'
import type { AskedOwner, OwnerAnswer, OwnerQuestion, OwnerReply } from './owner-questions.ts'

/** What the supervisor tells a mail worker. */
export type ToMailWorker =
  /** First: open the socket, then become the owner for good. */
  | {
      readonly kind: 'begin'
      readonly owner: MailOwner
      readonly path: string
      readonly source: ConfigSource
      readonly idleMs: number
    }
  | { readonly kind: 'config'; readonly source: ConfigSource }
  | { readonly kind: 'owners'; readonly replies: readonly OwnerReply[] }
  /** End when the sessions have, at the latest after `graceMs`. */
  | { readonly kind: 'stop'; readonly graceMs: number }

/** What it says. Log lines come this way: it may not open the log files any more. */
export type FromMailWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'log'; readonly lines: readonly LogLine[] }
  | { readonly kind: 'owners'; readonly questions: readonly OwnerQuestion[] }
  /** Nobody used it for a while; it takes no more connections and ends. */
  | { readonly kind: 'leaving' }

export interface MailWorkersOptions {
  readonly file: string
  /** Where the sockets go; nobody but root may enter. */
  readonly directory: string
  /** Makes it. */
  readonly prepare: () => void
  readonly flags: readonly string[]
  readonly source: ConfigSource
  /** A mail worker that nobody uses for this long ends: a minute, if it is not said. */
  readonly idleMs?: number
  readonly log: (level: LogLevel, service: string, text: string) => void
  /** Asks a worker that may look into the userdbs; as many answers, in the same order. Never rejects. */
  readonly lookupOwners: (asked: readonly AskedOwner[]) => Promise<readonly OwnerAnswer[]>
}

const NO_ANSWER: OwnerAnswer = { kind: 'failed', error: 'no answer' }
const IDLE_MS = 60_000
/** How long a mail worker may take to be ready. */
const START_MS = 30_000
const KILL_AFTER_MS = 2_000

interface MailWorker {
  readonly child: ChildProcess
  readonly path: string
  readonly ready: Deferred<string>
}

/**
 * Processes with the rights of users, started when somebody needs them: one for each owner of mail and share of its users. They
 * are the supervisor's children; those that talk to strangers reach them through a socket each.
 */
export class MailWorkers {
  readonly #options: MailWorkersOptions
  /** Those that take whoever comes. */
  readonly #workers = new Map<string, MailWorker>()
  /** And those that leave, once their last sessions are over. */
  readonly #running = new Set<MailWorker>()
  #source: ConfigSource
  #started = 0
  #stopping = false

  constructor(options: MailWorkersOptions) {
    this.#options = options
    this.#source = options.source
  }

  /** The socket of the process that has these rights. Rejects when it cannot be started. */
  async socketFor(owner: MailOwner, share: number): Promise<string> {
    const key = ownerKey(owner, share)
    const worker = this.#workers.get(key) ?? this.#start(key, owner)
    return await worker.ready.promise
  }

  /** New sessions get this configuration. */
  configure(source: ConfigSource): void {
    this.#source = source
    for (const { child } of this.#running) tell(child, { kind: 'config', source })
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    const ended = Array.from(this.#running, async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      tell(child, { kind: 'stop', graceMs })
      const killer = setTimeout(() => child.kill('SIGKILL'), graceMs + KILL_AFTER_MS)
      await gone
      clearTimeout(killer)
    })
    await Promise.all(ended)
  }

  #start(key: string, owner: MailOwner): MailWorker {
    const { file, directory, flags, prepare } = this.#options
    prepare()
    // A number of its own: the one before may still be ending.
    const path = join(directory, `${key}-${++this.#started}`)
    const child = fork(file, [], {
      execArgv: [...flags],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const worker = { child, path, ready: new Deferred<string>() }
    this.#workers.set(key, worker)
    this.#running.add(worker)
    worker.ready.promise.catch(() => this.#forget(key, worker))
    const late = setTimeout(() => this.#fail(worker, 'it was not ready in time'), START_MS)
    child.on('message', (message: FromMailWorker) => this.#hear(key, worker, message))
    child.once('error', (error) => this.#fail(worker, error.message))
    child.once('exit', (code, signal) => {
      clearTimeout(late)
      this.#exited(key, worker, signal === null ? `exit status ${code ?? 0}` : `signal ${signal}`)
    })
    worker.ready.promise.then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    )
    if (this.#stopping) this.#fail(worker, 'the server is stopping')
    else tell(child, { kind: 'begin', owner, path, source: this.#source, idleMs: this.#options.idleMs ?? IDLE_MS })
    return worker
  }

  #hear(key: string, worker: MailWorker, message: FromMailWorker): void {
    switch (message.kind) {
      case 'ready':
        worker.ready.resolve(worker.path)
        return
      case 'failed':
        this.#fail(worker, message.error)
        return
      case 'log':
        for (const { level, service, text } of message.lines) this.#options.log(level, service, text)
        return
      case 'owners':
        void this.#answer(worker, message.questions)
        return
      case 'leaving':
        this.#forget(key, worker)
    }
  }

  async #answer({ child }: MailWorker, questions: readonly OwnerQuestion[]): Promise<void> {
    const answers = await this.#options.lookupOwners(questions.map(({ owner, route }) => ({ owner, route })))
    const replies = questions.map(({ id }, at) => ({ id, answer: answers[at] ?? NO_ANSWER }))
    tell(child, { kind: 'owners', replies })
  }

  #exited(key: string, worker: MailWorker, cause: string): void {
    this.#forget(key, worker)
    this.#running.delete(worker)
    worker.ready.reject(new Error(`mail worker ended before it was ready (${cause})`))
    if (cause !== 'exit status 0')
      this.#options.log('error', 'master', `mail worker ${worker.child.pid ?? 0} died: ${cause}`)
  }

  #fail(worker: MailWorker, error: string): void {
    worker.ready.reject(new Error(`mail worker cannot start: ${error}`))
    worker.child.kill('SIGKILL')
  }

  #forget(key: string, worker: MailWorker): void {
    if (this.#workers.get(key) === worker) this.#workers.delete(key)
  }
}

function tell(child: ChildProcess, message: ToMailWorker): void {
  if (child.connected) child.send(message, () => undefined)
}
