import { existsSync } from 'node:fs'

/** Options that all commands which read a configuration share: `-c FILE` and `-o key=value`. */
export interface ConfigOptions {
  readonly path: string
  readonly overrides: readonly string[]
  readonly rest: readonly string[]
}

/** Looked for in this order when there is no `-c`. */
const DEFAULT_PATHS = [
  '/etc/postern/dovecot.conf',
  '/etc/dovecot/dovecot.conf',
  '/usr/local/etc/dovecot/dovecot.conf',
] as const

/** A command line that makes no sense; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Takes `-c` and `-o` (also glued: `-cFILE`, `--config=FILE`) out of `argv`. Throws UsageError. */
export function takeConfigOptions(argv: readonly string[]): ConfigOptions {
  const rest: string[] = []
  const overrides: string[] = []
  let path: string | undefined
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const option = /^(?:-([co])|--(config|override)=)(.*)$/s.exec(word)
    if (option === null) {
      rest.push(word)
      continue
    }
    const value = option[3] === '' ? argv[++index] : option[3]
    if (value === undefined) throw new UsageError(`option ${word} needs a value`)
    if (option[1] === 'c' || option[2] === 'config') path = value
    else if (value.includes('=')) overrides.push(value)
    else throw new UsageError(`-o needs key=value, not '${value}'`)
  }
  return { path: path ?? defaultPath(), overrides, rest }
}

function defaultPath(): string {
  return DEFAULT_PATHS.find((candidate) => existsSync(candidate)) ?? '/etc/dovecot/dovecot.conf'
}
