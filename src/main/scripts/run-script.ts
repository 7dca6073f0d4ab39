import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { writeScriptRequest } from './script-request.ts'

/** Dovecot's: a service that does not take the connection within this time is not there. */
const CONNECT_MS = 1_000
/** A program that we run ourselves is killed after this time. */
const PROGRAM_MS = 60_000

/**
 * Has a script run, and does not wait for its end: `SOCKET ARGUMENT...`, where SOCKET is that of a script service (a path, in
 * `base_dir` when it is relative; `unix:PATH`), `tcp:HOST:PORT`, or `exec:PROGRAM`. Never rejects: failures are complained about.
 */
export async function runScript(
  [target = '', ...words]: readonly string[],
  baseDir: string,
  complain: (text: string) => void,
): Promise<void> {
  const [, scheme = 'unix', name = ''] = /^(?:(unix|tcp|exec):)?(.*)$/s.exec(target) ?? []
  const path = scheme === 'unix' ? resolve(baseDir, name) : name
  try {
    if (scheme === 'exec') await execute(path, words)
    else await handOver(scheme === 'unix' ? { path } : addressOf(path), words)
  } catch (error) {
    complain(`program ${scheme}:${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) }
}

async function handOver(to: { path: string } | { host: string; port: number }, words: readonly string[]) {
  const socket: Socket = connect(to)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) })
    socket.end(writeScriptRequest(words))
    await once(socket, 'finish', { signal: AbortSignal.timeout(CONNECT_MS) })
  } finally {
    socket.destroy()
  }
}

async function execute(path: string, words: readonly string[]): Promise<void> {
  const child = spawn(path, words, { stdio: 'ignore', detached: true, env: {} })
  await once(child, 'spawn')
  setTimeout(() => child.kill('SIGKILL'), PROGRAM_MS).unref()
  child.unref()
}
