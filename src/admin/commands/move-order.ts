import { isIP } from 'node:net'
import { MOVE_LIMITS } from './move-wire.ts'

/** What an administrator wants of `postern move`. */
export interface MoveOrder {
  /** As they log in; each once. */
  readonly users: readonly string[]
  readonly host: string
  /** Without, the port of each user stays. */
  readonly port: string | undefined
  readonly delay: MoveDelay
  readonly dryRun: boolean
}

/** Logins wait this long after the last session was ended, and then up to `spreadMs` more, each for itself. */
export interface MoveDelay {
  readonly ms: number
  readonly spreadMs: number
}

export const MOVE_USAGE = `usage: postern move USER... [--users-from FILE] --to HOST [--port N] [--delay 31+5] [--dry-run]
                    [-c FILE] [-o key=value ...] [-a SOCKET]

Moves users to another backend while the server runs. Their new logins wait, the row of the passdb changes, their
sessions end, and when none is left on the old backend the logins go on to the new one. What fails is put back.

  --to HOST          the new backend, as it is to stand in the host field
  --port N           and in the port field; without it the port stays as it is
  --users-from FILE  users, one a line; '-' is standard input
  --delay S[+N]      let logins wait until S seconds after the last session ended, and a random part of N more
  --dry-run          say what would be done, and do nothing
  -c FILE            the configuration of the server
  -a SOCKET          its control socket, when it is not the one that the configuration names

Exit status: 0 all moved; 64 usage; 67 a user is unknown or has no row; 75 failed, and everything is as it was;
1 failed, and something could not be put back.
`

/** The command line makes no sense; the message says why. */
export class MoveUsageError extends Error {
  override readonly name = 'MoveUsageError'
}

export interface MoveWords {
  readonly order: Omit<MoveOrder, 'users'>
  readonly users: readonly string[]
  readonly usersFrom: string | undefined
  readonly socket: string | undefined
}

/** Options with a value, long and short. */
const VALUES = ['--to', '--port', '--delay', '--users-from', '-a'] as const

/** Reads a command line from which `-c` and `-o` were taken. Throws MoveUsageError. */
export function parseMoveWords(argv: readonly string[]): MoveWords {
  const values = new Map<string, string>()
  const users: string[] = []
  let dryRun = false
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const [name, glued] = splitAtEquals(word)
    if (VALUES.some((option) => option === name)) {
      const value = glued ?? argv[++index]
      if (value === undefined) throw new MoveUsageError(`option ${name} needs a value`)
      values.set(name, value)
    } else if (word === '--dry-run') dryRun = true
    else if (word.startsWith('-')) throw new MoveUsageError(`unknown option ${word}`)
    else users.push(word)
  }
  const usersFrom = values.get('--users-from')
  if (users.length === 0 && usersFrom === undefined) throw new MoveUsageError('whom to move?')
  return {
    order: {
      host: parseHost(values.get('--to')),
      port: parsePort(values.get('--port')),
      delay: parseDelay(values.get('--delay') ?? '0'),
      dryRun,
    },
    users,
    usersFrom,
    socket: values.get('-a'),
  }
}

/** One user a line; empty lines and lines that begin with `#` are nobody. */
export function parseUserList(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function splitAtEquals(word: string): readonly [string, string | undefined] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)]
}

/** It must survive a passwd-file's blanks and percent signs. */
function parseHost(text: string | undefined): string {
  if (text === undefined) throw new MoveUsageError('where to? --to HOST is missing')
  if (isIP(text) === 0 && !/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/.test(text)) {
    throw new MoveUsageError(`'${text}' is neither an address nor a host name`)
  }
  return text
}

function parsePort(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 65_535) throw new MoveUsageError(`'${text}' is no port`)
  return text
}

function parseDelay(text: string): MoveDelay {
  const [, seconds, spread = '0'] = /^(\d{1,6})(?:\+(\d{1,6}))?$/.exec(text) ?? []
  if (seconds === undefined) throw new MoveUsageError(`--delay takes seconds, or seconds+seconds, not '${text}'`)
  const delay = { ms: Number(seconds) * 1000, spreadMs: Number(spread) * 1000 }
  if (delay.ms + delay.spreadMs > MOVE_LIMITS.delayMs) {
    throw new MoveUsageError(`--delay is at most ${MOVE_LIMITS.delayMs / 1000} seconds: clients give up`)
  }
  return delay
}
