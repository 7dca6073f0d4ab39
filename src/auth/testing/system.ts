import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Observer } from '../../observe/events.ts'
import type { AuthNeeds, Clock, SystemIds } from '../needs.ts'

/** What the auth service takes from this machine. */
export function systemAuthNeeds(observer: Observer, name = hostname()): AuthNeeds {
  return {
    files: {
      stat: (path) => stat(path),
      read: (path) => readFile(path),
    },
    clock: systemClock,
    ids: new SystemIdFiles(),
    observer,
    random: (limit) => (limit <= 1 ? 0 : randomInt(limit)),
    randomBytes,
    hostname: name,
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  timer(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Files are looked at again at most this often when a name is not known. */
const LOOK_AGAIN_MS = 1000

/** Names of /etc/passwd and /etc/group. */
class SystemIdFiles implements SystemIds {
  readonly #users = new IdFile('/etc/passwd')
  readonly #groups = new IdFile('/etc/group')

  uid(name: string): number | undefined {
    return this.#users.find(name)
  }

  gid(name: string): number | undefined {
    return this.#groups.find(name)
  }
}

class IdFile {
  readonly #path: string
  #ids = new Map<string, number>()
  #readAtMs = Number.NEGATIVE_INFINITY

  constructor(path: string) {
    this.#path = path
  }

  find(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined || performance.now() - this.#readAtMs < LOOK_AGAIN_MS) return known
    this.#readAtMs = performance.now()
    this.#ids = readIds(this.#path)
    return this.#ids.get(name)
  }
}

/** `name:password:ID:...`; a file that cannot be read has no names. */
function readIds(path: string): Map<string, number> {
  const ids = new Map<string, number>()
  try {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const [name = '', , id = ''] = line.split(':')
      if (name !== '' && /^\d+$/.test(id)) ids.set(name, Number(id))
    }
  } catch {
    return ids
  }
  return ids
}
