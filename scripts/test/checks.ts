import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Folders with TypeScript of ours. */
const FOLDERS = ['src', 'test', 'scripts', 'bench']

/** What is checked without running anything: name, command, arguments. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['lint', 'oxlint', '--type-aware', ...FOLDERS.filter((folder) => existsSync(folder))],
  ['format', 'biome', 'format', '--colors=off', '.'],
]

/** Output of a failing check may be long, but not endless. */
const OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs the checks side by side and prints what they complain about. Resolves whether all are content. */
export async function runChecks(): Promise<boolean> {
  const results = await Promise.all(CHECKS.map(([name, command, ...args]) => check(name, command, args)))
  return results.every(Boolean)
}

function check(name: string, command: string, args: readonly string[]): Promise<boolean> {
  const started = performance.now()
  return new Promise((resolve) => {
    execFile(join('node_modules', '.bin', command), args, { maxBuffer: OUTPUT_BYTES }, (error, stdout, stderr) => {
      const secs = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`${error === null ? '✔' : '✖'} ${name} (${command}, ${secs} s)`)
      if (error !== null) console.log(`${stdout}${stderr}`.trimEnd() || error.message)
      resolve(error === null)
    })
  })
}
