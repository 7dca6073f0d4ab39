// The thread that a module runs in: it may block or run out of memory without harm to anybody else.
import { parentPort, workerData } from 'node:worker_threads'
import { MODULE_FUNCTIONS, type ModuleFunction } from './api.ts'

/** From the server to the thread. */
export type ThreadQuestion =
  | { readonly kind: 'call'; readonly id: number; readonly name: ModuleFunction; readonly args: readonly unknown[] }
  | { readonly kind: 'ping' }

/** From the thread to the server. */
export type ThreadAnswer =
  | { readonly kind: 'loaded'; readonly functions: readonly ModuleFunction[] }
  | { readonly kind: 'unloadable'; readonly text: string }
  | { readonly kind: 'returned'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'thrown'; readonly id: number; readonly text: string }
  | { readonly kind: 'pong' }

type Callable = Record<string, (...args: readonly unknown[]) => unknown>

function tell(answer: ThreadAnswer): void {
  parentPort?.postMessage(answer)
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

async function load(url: string): Promise<Callable | undefined> {
  try {
    const loaded: unknown = await import(url)
    const module: unknown =
      typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
    if (typeof module !== 'object' || module === null) throw new Error('the default export is no object')
    return module as Callable
  } catch (error) {
    tell({ kind: 'unloadable', text: textOf(error) })
    return undefined
  }
}

async function answer(module: Callable, { id, name, args }: Extract<ThreadQuestion, { kind: 'call' }>): Promise<void> {
  try {
    // As a method, so that modules may keep state in `this`.
    tell({ kind: 'returned', id, value: await module[name]?.(...args) })
  } catch (error) {
    // Also for values that cannot be sent.
    tell({ kind: 'thrown', id, text: textOf(error) })
  }
}

const module = await load(String(workerData))
if (module !== undefined) {
  parentPort?.on('message', (question: ThreadQuestion) => {
    if (question.kind === 'ping') tell({ kind: 'pong' })
    else void answer(module, question)
  })
  tell({ kind: 'loaded', functions: MODULE_FUNCTIONS.filter((name) => typeof module[name] === 'function') })
}
