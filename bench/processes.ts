import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, processTree } from './measure/process-tree.ts'

/**
 * Processes that this bench starts and owes an end: each is stopped by its number with all its descendants, and what is
 * left when this process exits is killed then.
 */

export interface OwnProcess {
  readonly pid: number
  readonly child: ChildProcess
  /** Resolves when the process has ended, with how. */
  readonly exited: Promise<string>
  /** SIGTERM, and SIGKILL for whatever of its tree has not gone within `STOP_MS`. May be called twice. */
  readonly stop: () => Promise<void>
}

const STOP_MS = 3000
const running = new Set<number>()

export interface LaunchOptions {
  /** Receives standard output and error; `pipe` gives standard input and output to the caller. */
  readonly output: { readonly file: string } | 'pipe'
  readonly cwd?: string
}

/** Starts a program. Throws when it cannot be executed. */
export async function launch(command: string, args: readonly string[], options: LaunchOptions): Promise<OwnProcess> {
  const file = options.output === 'pipe' ? undefined : openSync(options.output.file, 'a')
  const child = spawn(command, args, {
    stdio: file === undefined ? ['pipe', 'pipe', 'inherit'] : ['ignore', file, file],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) running.delete(child.pid)
      resolve(signal ?? `status ${code}`)
    })
  })
  if (file !== undefined) closeSync(file)
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  running.add(pid)
  let ending: Promise<void> | undefined
  return { pid, child, exited, stop: async () => await (ending ??= stop(child, pid, exited)) }
}

async function stop(child: ChildProcess, pid: number, exited: Promise<string>): Promise<void> {
  const tree = processTree([pid])
  child.kill('SIGTERM')
  await Promise.race([exited, delay(STOP_MS, undefined, { ref: false })])
  for (const stat of tree.filter(isAlive)) kill(stat.pid)
  await exited
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

process.on('exit', () => {
  for (const stat of processTree([...running])) kill(stat.pid)
})
