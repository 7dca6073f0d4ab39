// The checkpassword interface: a program reads name and password from descriptor 3 and, when they are right, runs the program
// it was given, which tells us the environment it finds. Dovecot: `passdb { driver = checkpassword }`.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'

export const CHECKPASSWORD_LIMITS = {
  /** A login waits so long until fewer than auth_worker_max_count programs run. */
  waitMs: 10_000,
  /** A program that has not ended by then is killed. */
  runMs: 30_000,
  /** How long its descriptors may stay open behind it. */
  patienceMs: 1_000,
  outputBytes: 64 * 1024,
} as const

/** The program that a right password starts: tells the environment and who it runs as. */
const REPLY = `#!/bin/sh
{ env -0; printf 'REPLY_UID=%s\\0REPLY_GID=%s\\0REPLY_END=\\0' "$(id -u)" "$(id -g)"; } >&4
`

export interface CheckpasswordResult {
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: number | string
  /** What the reply program found; `undefined` when it did not run. */
  readonly environment: ReadonlyMap<string, string> | undefined
  /** What the program wrote to stderr. */
  readonly errors: string
}

/** One program of an `args`. */
export class Checkpassword {
  readonly #command: readonly string[]
  #dir: string | undefined

  constructor(command: readonly string[]) {
    this.#command = command
  }

  /** Runs it. Rejects when it cannot be started. */
  run(input: Buffer, environment: Readonly<Record<string, string>>, signal: AbortSignal): Promise<CheckpasswordResult> {
    const reply = this.#replyProgram()
    const [program = '', ...args] = this.#command
    const child = spawn(program, [...args, reply], {
      env: { ...withoutUser(process.env), ...environment, CHECKPASSWORD_REPLY_BINARY: reply },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      timeout: CHECKPASSWORD_LIMITS.runMs,
      killSignal: 'SIGKILL',
      signal,
    })
    const [, , stderr, toChild, fromChild] = child.stdio as [null, null, Readable, Duplex, Duplex]
    toChild.on('error', () => undefined)
    toChild.end(input)
    const errors = collect(stderr)
    const answer = collect(fromChild)
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      const finish = (ended: number | string): void => {
        clearTimeout(patience)
        stderr.destroy()
        fromChild.destroy()
        resolve({ ended, environment: parse(answer()), errors: errors() })
      }
      let patience: NodeJS.Timeout | undefined
      // A descendant may keep the descriptors open; what the program wrote itself is there. When we are so busy that the
      // time is up before anything was read, it is read before the next turn.
      child.on('exit', (code, name) => {
        patience = setTimeout(() => setImmediate(() => finish(code ?? name ?? '')), CHECKPASSWORD_LIMITS.patienceMs)
      })
      child.on('close', (code, name) => finish(code ?? name ?? ''))
    })
  }

  /** A file of its own, since programs may take one word only. Made when it is first needed. */
  #replyProgram(): string {
    if (this.#dir === undefined) {
      this.#dir = mkdtempSync(join(tmpdir(), 'postern-checkpassword-'))
      chmodSync(this.#dir, 0o755)
      writeFileSync(join(this.#dir, 'reply'), REPLY, { mode: 0o755 })
    }
    return join(this.#dir, 'reply')
  }

  close(): void {
    if (this.#dir !== undefined) rmSync(this.#dir, { recursive: true, force: true })
    this.#dir = undefined
  }
}

/** Our own user and home must not be taken for the one who logs in. */
function withoutUser(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { USER: _user, HOME: _home, EXTRA: _extra, AUTHORIZED: _authorized, ...rest } = environment
  return rest
}

/** Keeps the beginning of what comes. */
function collect(stream: Readable): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= CHECKPASSWORD_LIMITS.outputBytes) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): ReadonlyMap<string, string> | undefined {
  const words = text.split('\0').map((word) => {
    const equals = word.indexOf('=')
    return [equals < 0 ? word : word.slice(0, equals), equals < 0 ? '' : word.slice(equals + 1)] as const
  })
  const environment = new Map(words)
  return environment.has('REPLY_END') ? environment : undefined
}
