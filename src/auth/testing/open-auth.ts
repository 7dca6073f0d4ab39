import { loadConfig } from '../../config/load.ts'
import type { ConfigFiles } from '../../config/config.ts'
import type { LogLevel, Observer } from '../../observe/events.ts'
import type { SaslMechanism } from '../../sasl/mechanism.ts'
import { findMechanism } from '../../sasl/index.ts'
import { Secret } from '../../util/secret.ts'
import type { AuthConnection, AuthOutcome, AuthService } from '../auth.ts'
import type { AuthFiles, Clock } from '../needs.ts'
import { passdbDrivers } from '../passdb/index.ts'
import { type AuthServiceInput, openAuthService } from '../service.ts'
import type { SharedPasswords } from '../shared-passwords.ts'
import { userdbDrivers } from '../userdb/index.ts'
import { FakeClock } from './fake-clock.ts'

/** The tests' disk: texts by path, each with a version that stands for its time of change. */
export class MemoryDisk implements ConfigFiles {
  readonly #files = new Map<string, { text: string; version: number }>()
  /** Paths that fail with this code. */
  readonly faults = new Map<string, string>()
  /** How often something was read as a database. */
  reads = 0

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, text)
  }

  write(path: string, text: string): void {
    this.#files.set(path, { text, version: (this.#files.get(path)?.version ?? 0) + 1 })
  }

  remove(path: string): void {
    this.#files.delete(path)
  }

  read(path: string): Buffer {
    return Buffer.from(this.#find(path).text)
  }

  glob(pattern: string): readonly string[] {
    return this.#files.has(pattern) ? [pattern] : []
  }

  /** The same files as databases see them. */
  readonly databases: AuthFiles = {
    stat: async (path) => {
      const { text, version } = await Promise.resolve(path).then((name) => this.#find(name))
      return { mtimeMs: version * 1000, size: text.length, uid: 1234, gid: 5678 }
    },
    read: async (path) => {
      this.reads += 1
      return await Promise.resolve(path).then((name) => this.read(name))
    },
  }

  #find(path: string): { text: string; version: number } {
    const fault = this.faults.get(path)
    const file = this.#files.get(path)
    if (fault === undefined && file !== undefined) return file
    const code = fault ?? 'ENOENT'
    throw Object.assign(new Error(`${code}: ${path}`), { code })
  }
}

export interface TestAuth {
  readonly auth: AuthService
  readonly disk: MemoryDisk
  /** `LEVEL text`, in order. */
  readonly log: string[]
  login(user: string, password: string, options?: LoginOptions): Promise<AuthOutcome>
}

export interface LoginOptions {
  readonly authzid?: string
  readonly mechanism?: string
  readonly connection?: Partial<AuthConnection>
  readonly signal?: AbortSignal
}

const never = new AbortController().signal

export const testConnection: AuthConnection = {
  service: 'imap',
  session: 'sess',
  local: { ip: '192.0.2.1', port: 143 },
  remote: { ip: '198.51.100.7', port: 40_000 },
  realLocal: { ip: '10.0.0.1', port: 10_143 },
  realRemote: { ip: '10.0.0.9', port: 40_001 },
  secured: 'TLS',
  forward: new Map(),
}

export interface OpenOptions {
  /** Settings and blocks, without `passdb` and the like around. */
  readonly conf: string
  readonly files?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** Databases are read from here, not from `files`. */
  readonly disk?: AuthFiles
  readonly input?: Partial<AuthServiceInput>
  readonly passwords?: SharedPasswords
  readonly ids?: {
    readonly uid: (name: string) => number | undefined
    readonly gid: (name: string) => number | undefined
  }
}

/** An auth service over files in memory, without failure delay. Close it with `auth.close()`. */
export async function openTestAuth(options: OpenOptions): Promise<TestAuth> {
  const { input, disk, log } = testAuthInput(options)
  const auth = await openAuthService(input)
  return { auth, disk, log, login: (user, password, more) => logIn(auth, user, password, more) }
}

/** What the service would be opened with: for tests of what is wrong with a configuration. */
export function testAuthInput(options: OpenOptions): { input: AuthServiceInput; disk: MemoryDisk; log: string[] } {
  const { conf, clock = new FakeClock(), ids } = options
  const disk = new MemoryDisk({ ...options.files, '/dovecot.conf': `auth_failure_delay = 0 secs\nssl = no\n${conf}\n` })
  const loaded = loadConfig({ path: '/dovecot.conf', files: disk })
  if (loaded.config === undefined) throw new Error(loaded.complaints.map(({ text }) => text).join('\n'))
  const log: string[] = []
  const input: AuthServiceInput = {
    config: loaded.config,
    configFiles: disk,
    needs: {
      files: options.disk ?? disk.databases,
      clock,
      ids: ids ?? {
        uid: (name) => (name === 'vmail' ? 5000 : undefined),
        gid: (name) => (name === 'vmail' ? 5001 : undefined),
      },
      observer: logInto(log),
      random: () => 0,
      randomBytes: (count) => Buffer.alloc(count),
      hostname: 'test.example',
      ...(options.passwords && { passwords: options.passwords }),
    },
    passdbDrivers,
    userdbDrivers,
    findMechanism: testMechanism,
    ...options.input,
  }
  return { input, disk, log }
}

function logInto(lines: string[]): Observer {
  return {
    emit: () => undefined,
    log: (level: LogLevel, service, text) => void lines.push(`${level} ${service}: ${text}`),
  }
}

/** Logs in with PLAIN's message. */
export async function logIn(
  auth: AuthService,
  user: string,
  password: string,
  options: LoginOptions = {},
): Promise<AuthOutcome> {
  const message = `${options.authzid ?? ''}\0${user}\0${password}`
  return await auth.authenticate(
    { ...testConnection, ...options.connection },
    {
      mechanism: options.mechanism ?? 'PLAIN',
      initial: new Secret(message),
      challenge: () => Promise.reject(new Error('nobody there')),
      finish: () => Promise.resolve(),
      channelBinding: () => undefined,
    },
    options.signal ?? never,
  )
}

/** The real mechanisms, but for one that needs credentials and takes a single message. */
export function testMechanism(name: string): SaslMechanism | undefined {
  return name === 'CRAM-MD5' ? credentialsMechanism : findMechanism(name)
}

/** Looks credentials up and compares them with PLAIN's message. */
const credentialsMechanism: SaslMechanism = {
  name: 'CRAM-MD5',
  plaintext: false,
  needs: 'credentials',
  listed: true,
  async authenticate(io, auth) {
    const [, authcid = '', password = ''] = (io.initial ?? Buffer.alloc(0)).toString('utf8').split('\0')
    const found = await auth.lookupCredentials({ authcid }, ['CRAM-MD5'])
    if (found.kind === 'refused') return found.verdict
    const isRight = found.credentials.text === password
    return isRight ? await auth.accept({ authcid }) : await auth.reject({ authcid }, 'wrong-proof')
  },
}
