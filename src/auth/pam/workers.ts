// Processes that talk to libpam: started when they are needed, one question at a time each, replaced after a while.
import { type ChildProcess, fork } from 'node:child_process'
import type { Clock } from '../needs.ts'
import { Turns } from '../turns.ts'
import type { PamAnswer, PamQuestion } from './question.ts'

export const PAM_LIMITS = {
  /** Each is a whole Node process. */
  workers: 8,
  waitMs: 20_000,
  /** PAM modules wait on purpose after wrong passwords; a worker that takes longer than this is killed. */
  answerMs: 40_000,
} as const

interface PamWorker {
  readonly child: ChildProcess
  answered: number
}

export class PamWorkers {
  readonly #maxRequests: number
  readonly #turns: Turns
  readonly #idle: PamWorker[] = []
  readonly #all = new Set<ChildProcess>()
  #isClosed = false

  /** `maxWorkers`: auth_worker_max_count. */
  constructor(maxRequests: number, maxWorkers: number, clock: Clock) {
    this.#maxRequests = maxRequests
    this.#turns = new Turns(clock, Math.min(PAM_LIMITS.workers, maxWorkers), PAM_LIMITS.waitMs)
  }

  /** Rejects when a worker cannot be started, dies, or takes too long. */
  async ask(question: PamQuestion, signal: AbortSignal): Promise<PamAnswer> {
    return await this.#turns.run(
      () => this.#ask(question, signal),
      (secs) => new Error(`no worker was free within ${secs} secs`),
    )
  }

  /** Whether libpam can be loaded. Rejects when it cannot. */
  async check(): Promise<void> {
    if (this.#all.size > 0) return
    const worker = await this.#start()
    worker.child.unref()
    worker.child.channel?.unref()
    this.#idle.push(worker)
  }

  close(): void {
    this.#isClosed = true
    for (const child of this.#all) child.kill('SIGKILL')
  }

  async #ask(question: PamQuestion, signal: AbortSignal): Promise<PamAnswer> {
    if (this.#isClosed) throw new Error('it was closed')
    if (signal.aborted) throw new Error('the client left')
    const worker = this.#idle.pop() ?? (await this.#start())
    worker.child.ref()
    worker.child.channel?.ref()
    const answer = nextAnswer(worker.child)
    worker.child.send(question)
    const result = await answer
    worker.child.unref()
    worker.child.channel?.unref()
    worker.answered += 1
    if (worker.answered < this.#maxRequests && !this.#isClosed) this.#idle.push(worker)
    else worker.child.kill()
    return result
  }

  async #start(): Promise<PamWorker> {
    // The published package holds JavaScript, a checkout TypeScript.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const child = fork(new URL(`./worker.${extension}`, import.meta.url), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#all.add(child)
    child.on('exit', () => {
      this.#all.delete(child)
      const at = this.#idle.findIndex((idle) => idle.child === child)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    // A child that died while it was idle must not throw here.
    child.on('error', () => undefined)
    await nextAnswer(child)
    return { child, answered: 0 }
  }
}

function nextAnswer(child: ChildProcess): Promise<PamAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PamAnswer>()
  const onMessage = (answer: unknown): void => resolve(answer as PamAnswer)
  const onExit = (code: number | null, signal: string | null): void =>
    reject(new Error(`the worker ended (${signal ?? `status ${code ?? '?'}`})`))
  const late = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`no answer within ${PAM_LIMITS.answerMs / 1000} secs`))
  }, PAM_LIMITS.answerMs)
  child.once('message', onMessage)
  child.once('exit', onExit)
  child.once('error', reject)
  return promise.finally(() => {
    clearTimeout(late)
    child.off('message', onMessage)
    child.off('exit', onExit)
    child.off('error', reject)
  })
}
