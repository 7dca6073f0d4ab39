import { spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openSystemUsers } from '../../auth/system-users.ts'
import type { Config, ServiceSettings } from '../../config/config.ts'
import { scriptWords } from '../../config/script-words.ts'
import type { UnixAccess } from '../../config/listeners.ts'
import type { LogLevel, Observer } from '../../observe/events.ts'
import type { SystemIds } from '../mail/mail-owner.ts'
import { openSystemIds } from '../mail/system-ids.ts'
import { clearUnixSockets, grantUnixAccess } from '../unix-socket.ts'
import { readScriptRequest } from './script-request.ts'

/** A `service NAME { executable = script PROGRAM ARGUMENT... }` and where it is asked for. */
interface ScriptService {
  readonly name: string
  readonly words: readonly string[]
  /** Whose rights the program has; empty is ours. */
  readonly user: string
  /** Programs at a time; more wait. */
  readonly programs: number
  readonly sockets: readonly { readonly path: string; readonly access: UnixAccess }[]
}

export const SCRIPT_LIMITS = {
  /** A request, as in Dovecot. */
  requestMs: 10_000,
  requestBytes: 64 * 1024,
  /** A program that takes longer is killed. */
  programMs: 5 * 60_000,
  /** Requests of one service that wait for a program to end; more are turned away. */
  waiting: 1_000,
} as const

export interface ScriptServicesNeeds {
  readonly log: (level: LogLevel, service: string, text: string) => void
  readonly system: SystemIds
}

/**
 * Runs the programs of `executable = script ...` services for those who ask on their sockets, each with the rights of the
 * service's `user`: the mail processes that ask have no rights but those of the mail.
 */
export class ScriptServices {
  readonly #needs: ScriptServicesNeeds
  #open: Server[] = []

  constructor(needs: ScriptServicesNeeds) {
    this.#needs = needs
  }

  /** Opens the sockets of this configuration and closes those of the one before. What cannot be opened is logged. */
  async configure(config: Config): Promise<void> {
    this.close()
    const { base_dir: baseDir } = config.settings({ protocol: 'master' })
    for (const service of config.services.values()) {
      const script = scriptServiceOf(service, baseDir)
      if (script !== undefined) await this.#listen(script, baseDir)
    }
  }

  /** Programs that run go on. */
  close(): void {
    for (const server of this.#open.splice(0)) server.close()
  }

  async #listen(service: ScriptService, baseDir: string): Promise<void> {
    const turns = new Turns(service.programs)
    for (const { path, access } of service.sockets) {
      try {
        // Not one on which another server answers.
        await clearUnixSockets([{ address: path, unix: access }])
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          void this.#serve(socket, { service, baseDir, turns })
        })
        server.listen(path)
        await once(server, 'listening')
        chmodSync(path, 0o600)
        grantUnixAccess(path, access)
        this.#open.push(server)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.#needs.log('error', service.name, `Cannot listen on ${path}: ${why}`)
      }
    }
  }

  async #serve(
    socket: Socket,
    { service, baseDir, turns }: { service: ScriptService; baseDir: string; turns: Turns },
  ): Promise<void> {
    const complain = (text: string): void => this.#needs.log('error', service.name, text)
    socket.on('error', () => undefined)
    try {
      const asked = await readRequest(socket)
      if (asked === undefined) return complain('Client not compatible with this service, or gone')
      if (!(await turns.enter())) return complain('Too many programs wait to be run')
      try {
        const end = await this.#run(socket, asked, service, baseDir)
        if (end !== 'exit status 0') complain(`Script terminated abnormally, ${end}`)
        if (!asked.request.isSilent) socket.write(end === 'exit status 0' ? '+\n' : '-\n')
      } finally {
        turns.leave()
      }
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error))
    } finally {
      socket.end(() => socket.destroy())
    }
  }

  async #run(socket: Socket, { request, rest }: Asked, { words, user }: ScriptService, cwd: string): Promise<string> {
    const [program = '', ...args] = words
    const child = spawn(program, [...args, ...request.words], {
      cwd,
      env: {},
      stdio: request.isSilent ? ['ignore', 'ignore', 'inherit'] : ['pipe', 'pipe', 'inherit'],
      ...(await this.#rightsOf(user)),
    })
    const late = setTimeout(() => child.kill('SIGKILL'), SCRIPT_LIMITS.programMs)
    if (child.stdin !== null) {
      child.stdin.on('error', () => undefined)
      child.stdin.write(rest)
      socket.pipe(child.stdin)
    }
    child.stdout?.pipe(socket, { end: false })
    const end = await new Promise<string>((settle) => {
      child.once('error', (error) => settle(error.message))
      child.once('close', (code, signal) => settle(signal === null ? `exit status ${code ?? 0}` : `signal ${signal}`))
    })
    clearTimeout(late)
    return end
  }

  /** Only root can run programs as somebody else. */
  async #rightsOf(user: string): Promise<{ uid?: number; gid?: number }> {
    if (user === '' || process.geteuid?.() !== 0) return {}
    const account = /^\d+$/.test(user) ? { uid: Number(user), gid: Number(user) } : await this.#needs.system.user(user)
    if (account === undefined) throw new Error(`User ${user} does not exist`)
    return account.uid === 0 ? {} : { uid: account.uid, gid: account.gid }
  }
}

/** Those of a server; names of users are the system's. */
export function openScriptServices({ log }: Pick<Observer, 'log'>): ScriptServices {
  const users = openSystemUsers({ read: async (file) => await readFile(file), stat: async (file) => await stat(file) })
  return new ScriptServices({ log, system: openSystemIds(users) })
}

interface Asked {
  readonly request: { readonly words: readonly string[]; readonly isSilent: boolean }
  readonly rest: Buffer
}

function scriptServiceOf(service: ServiceSettings, baseDir: string): ScriptService | undefined {
  const words = scriptWords(service.executable)
  const sockets = service.unixListeners
    .filter(({ path, mode }) => path !== '' && mode !== 0)
    .map(({ path, mode, user, group }) => ({ path: resolve(baseDir, path), access: { mode, user, group } }))
  if (words.length === 0 || sockets.length === 0) return undefined
  const { name, user } = service
  return { name, words, user, programs: service.process_limit || DEFAULT_PROGRAMS, sockets }
}

/** `default_process_limit`. */
const DEFAULT_PROGRAMS = 100

/** `undefined` when it is none, does not come in time, or the client leaves. */
async function readRequest(socket: Socket): Promise<Asked | undefined> {
  let bytes = Buffer.alloc(0)
  const late = setTimeout(() => socket.destroy(), SCRIPT_LIMITS.requestMs)
  try {
    for (;;) {
      const read = readScriptRequest(bytes)
      if (read === 'broken' || bytes.length > SCRIPT_LIMITS.requestBytes) return undefined
      if (read !== 'incomplete') return read
      const chunk = (socket.read() as Buffer | null) ?? undefined
      if (chunk !== undefined) bytes = Buffer.concat([bytes, chunk])
      else if (socket.destroyed || socket.readableEnded) return undefined
      else await readable(socket)
    }
  } finally {
    clearTimeout(late)
  }
}

async function readable(socket: Socket): Promise<void> {
  await new Promise<void>((settle) => {
    const events = ['readable', 'end', 'close'] as const
    const done = (): void => {
      for (const event of events) socket.off(event, done)
      settle()
    }
    for (const event of events) socket.on(event, done)
  })
}

/** Lets so many in at a time. */
class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** False when too many wait. */
  async enter(): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1
      return true
    }
    if (this.#waiting.length >= SCRIPT_LIMITS.waiting) return false
    await new Promise<void>((go) => this.#waiting.push(go))
    return true
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
