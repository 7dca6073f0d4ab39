import { Worker } from 'node:worker_threads'
import type { CryptRequest } from './crypt-worker.ts'

/**
 * Threads that compute crypt hashes in JavaScript. Started when first needed, one per request under way (the hash queue
 * bounds those), kept for the next request; an idle thread does not keep the process alive.
 */
export class CryptThreads {
  readonly #idle: Worker[] = []

  /** The whole hash, or `undefined` when the setting is none that can be computed by hand. */
  async crypt(request: CryptRequest): Promise<string | undefined> {
    const worker = this.#idle.pop() ?? startWorker()
    worker.ref()
    const answer = await ask(worker, request)
    worker.unref()
    this.#idle.push(worker)
    return answer
  }

  /** Ends the idle threads. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()))
  }
}

function startWorker(): Worker {
  // The published package holds JavaScript, a checkout TypeScript.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  // Options of the command line are for the main thread; some are refused here.
  return new Worker(new URL(`./crypt-worker.${extension}`, import.meta.url), { execArgv: [] })
}

function ask(worker: Worker, request: CryptRequest): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const onExit = (): void => reject(new Error('The crypt thread ended'))
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.once('exit', onExit)
  worker.postMessage(request)
  return promise.finally(() => {
    worker.off('message', resolve)
    worker.off('error', reject)
    worker.off('exit', onExit)
  })
}

export const cryptThreads = new CryptThreads()
