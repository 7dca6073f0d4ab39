import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** What a command said and how it ended. */
export interface CommandRun {
  readonly status: number
  readonly out: string
  readonly err: string
}

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'postern.js')
/** A command that takes longer is stuck. */
const COMMAND_MS = 120_000

/** Runs `postern ...` of this checkout to its end. Its standard input is empty, or `input`. */
export async function runPostern(args: readonly string[], input = ''): Promise<CommandRun> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [ENTRY, ...args],
      { env, timeout: COMMAND_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) =>
        resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err }),
    )
    child.stdin?.end(input)
  })
}
