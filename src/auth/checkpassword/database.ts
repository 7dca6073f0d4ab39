// What passdb and userdb share: how a program is asked, and what its environment says.
import { access, constants } from 'node:fs/promises'
import type { DatabaseField } from '../field-template.ts'
import { splitBlanks } from '../field-template.ts'
import { type DatabaseNeeds, type DatabaseRequest, DatabaseConfigError } from '../passdb/passdb.ts'
import { Turns } from '../turns.ts'
import { CHECKPASSWORD_LIMITS, Checkpassword } from './run.ts'

export type CheckpasswordAnswer =
  | { readonly kind: 'found'; readonly fields: readonly DatabaseField[]; readonly authorized: boolean }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly log: string }

export class CheckpasswordDatabase {
  readonly #program: Checkpassword
  readonly #turns: Turns
  readonly #path: string

  /** Throws DatabaseConfigError. */
  constructor(part: string, args: string, needs: DatabaseNeeds) {
    const command = splitBlanks(args)
    if (command.length === 0) throw new DatabaseConfigError(`${part} checkpassword: Missing filename in args`)
    this.#program = new Checkpassword(command)
    this.#path = command[0] ?? ''
    this.#turns = new Turns(needs.clock, needs.maxWorkers, CHECKPASSWORD_LIMITS.waitMs)
  }

  /** `password` is empty when only the user's fields are wanted. */
  async ask(
    request: DatabaseRequest,
    password: Buffer,
    environment: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<CheckpasswordAnswer> {
    if (request.user.includes('\0')) return { kind: 'unknown' }
    const name = Buffer.from(`${request.user}\0`)
    // The third word is the time stamp of APOP, which nobody reads.
    const input = Buffer.concat([name, password, Buffer.from('\0\0')])
    try {
      const run = (): ReturnType<Checkpassword['run']> =>
        this.#program.run(input, { ...connectionVariables(request), ...environment }, signal)
      const {
        ended,
        environment: found,
        errors,
      } = await this.#turns.run(run, (secs) => new Error(`not started within ${secs} secs`))
      if (errors !== '') request.logDatabase('error', `checkpassword: ${shown(errors)}`)
      return answerFrom(ended, found)
    } catch (error) {
      return { kind: 'failed', log: `checkpassword: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  /** Whether the program is there and may be run; what is wrong, if anything. */
  async check(): Promise<string | undefined> {
    // A bare name is looked for in PATH when it is run.
    if (!this.#path.includes('/')) return undefined
    try {
      await access(this.#path, constants.X_OK)
      return undefined
    } catch (error) {
      return `checkpassword: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  close(): void {
    this.#program.close()
  }
}

function answerFrom(ended: number | string, environment: ReadonlyMap<string, string> | undefined): CheckpasswordAnswer {
  switch (ended) {
    case 0:
      if (environment === undefined)
        return { kind: 'failed', log: 'checkpassword: Input from the reply program is missing' }
      return { kind: 'found', fields: fieldsFrom(environment), authorized: environment.get('AUTHORIZED') === '2' }
    case 1:
      return { kind: 'refused' }
    case 3:
      return { kind: 'unknown' }
    case 111:
      return { kind: 'failed', log: 'checkpassword: Child returned a temporary failure' }
    default:
      return {
        kind: 'failed',
        log: `checkpassword: Child ${typeof ended === 'number' ? `exited with status ${ended}` : `died with ${ended}`}`,
      }
  }
}

/** USER, HOME, and the variables that EXTRA lists; ids of the process where it names none. */
function fieldsFrom(environment: ReadonlyMap<string, string>): readonly DatabaseField[] {
  const fields: DatabaseField[] = []
  const add = (name: string, value: string | undefined, variable: string): void => {
    if (value !== undefined) fields.push({ name, value, from: `variable ${variable}` })
  }
  add('user', environment.get('USER'), 'USER')
  add('userdb_home', environment.get('HOME'), 'HOME')
  const extra = new Set(splitBlanks(environment.get('EXTRA') ?? ''))
  for (const name of extra) add(name, environment.get(name), name)
  if (!extra.has('userdb_uid')) add('userdb_uid', environment.get('REPLY_UID'), 'process id')
  if (!extra.has('userdb_gid')) add('userdb_gid', environment.get('REPLY_GID'), 'process id')
  return fields
}

/** What ucspi-tcp's tcpserver sets, and Dovecot. Never the password. */
function connectionVariables({ lookup }: DatabaseRequest): Record<string, string> {
  const value = (name: string): string => (lookup(name) ?? '').replaceAll('\0', '')
  return {
    PROTO: 'TCP',
    SERVICE: value('service'),
    TCPLOCALIP: value('lip'),
    TCPLOCALPORT: value('lport'),
    TCPREMOTEIP: value('rip'),
    TCPREMOTEPORT: value('rport'),
    LOCAL_IP: value('lip'),
    REMOTE_IP: value('rip'),
    MASTER_USER: value('master_user'),
    AUTH_USER: value('user'),
    AUTH_USERNAME: value('username'),
    AUTH_DOMAIN: value('domain'),
    AUTH_SERVICE: value('service'),
    AUTH_MECH: value('mech'),
    AUTH_SESSION: value('session'),
  }
}

function shown(errors: string): string {
  return errors
    .trim()
    .slice(0, 1000)
    .replace(/\s*\n\s*/g, '; ')
}
