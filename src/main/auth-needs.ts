import { randomBytes, randomInt } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import type { AuthNeeds, Clock, SystemIds } from '../auth/needs.ts'
import type { Observer } from '../observe/events.ts'

/** A name service that does not answer within this time knows nobody. */
const GETENT_MS = 5_000

export const systemClock: Clock = {
  now: Date.now,
  timer(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** The auth service's view of this machine. */
export function systemAuthNeeds(observer: Observer, hostname: string): AuthNeeds {
  return {
    observer,
    hostname,
    files: { read: async (path) => await readFile(path), stat: async (path) => await stat(path) },
    clock: systemClock,
    ids: systemIds(),
    random: (limit) => (limit > 1 ? randomInt(limit) : 0),
    randomBytes: (count) => randomBytes(count),
  }
}

/** Numbers of users and groups: from the files, else from the name service switch, each asked once. */
function systemIds(): SystemIds {
  return { uid: lookupIn('passwd'), gid: lookupIn('group') }
}

function lookupIn(database: 'passwd' | 'group'): (name: string) => number | undefined {
  const known = new Map<string, number | undefined>()
  return (name) => {
    if (!known.has(name))
      known.set(
        name,
        numberIn(readFileSync(`/etc/${database}`, 'utf8'), name) ?? numberIn(getent(database, name), name),
      )
    return known.get(name)
  }
}

/** `passwd` and `group` lines both have the number in their third field. */
function numberIn(text: string, name: string): number | undefined {
  const number = text
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[2]
  return number === undefined ? undefined : Number(number)
}

function getent(database: string, name: string): string {
  try {
    return execFileSync('getent', [database, '--', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: GETENT_MS,
    })
  } catch {
    return ''
  }
}
