import { spawn } from 'node:child_process'
import type { Config } from '../../config/config.ts'
import type { SystemIds } from './mail-owner.ts'

/** Programs between a login and its mail: `service imap { executable = imap NAME }` and the `script-login` that has socket NAME. */
export interface PostLoginScripts {
  /** Paths and their arguments, in order. */
  readonly words: readonly string[]
  /** The service's `user`; empty: whoever we are. */
  readonly user: string
}

export interface PostLoginInput {
  readonly user: string
  readonly remoteIp: string
  readonly localIp: string
  readonly fields: ReadonlyMap<string, string>
}

export interface PostLoginOutcome {
  /** Userdb fields with what the scripts changed. */
  readonly fields: ReadonlyMap<string, string>
  /** What they wrote for the client: whole lines. */
  readonly notice: string
}

/** The scripts said no, or did not come to an end. The message is for the log. */
export class PostLoginDenied extends Error {
  override readonly name = 'PostLoginDenied'
}

export const POST_LOGIN_LIMITS = {
  runMs: 60_000,
  outputBytes: 64 * 1024,
} as const

const SCRIPT_LOGIN = /^(?:\S*\/)?script-login\s+(?:-d\s+)?(.+)$/

/** What the configuration says for a protocol; `undefined` for nothing. */
export function findPostLogin({ services }: Config, protocol: string): PostLoginScripts | undefined {
  const [, socket] = services.get(protocol)?.executable.trim().split(/\s+/) ?? []
  if (socket === undefined) return undefined
  for (const { executable, user, unixListeners } of services.values()) {
    const command = SCRIPT_LOGIN.exec(executable.trim())?.[1]
    if (command === undefined || !unixListeners.some(({ path }) => path === socket)) continue
    return { words: command.trim().split(/\s+/), user }
  }
  return undefined
}

/**
 * Runs the scripts: each ends in `exec "$@"`, the last of which tells us the environment. Fields whose names are in USERDB_KEYS
 * are taken back. Rejects with PostLoginDenied.
 */
export async function runPostLogin(
  scripts: PostLoginScripts,
  input: PostLoginInput,
  system: SystemIds,
): Promise<PostLoginOutcome> {
  const [program, ...args] = [...scripts.words, '/bin/sh', '-c', 'exec env -0 >&3']
  if (program === undefined) throw new Error('no script')
  const child = spawn(program, args, {
    env: environmentOf(input),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...(await rightsOf(scripts.user, system)),
  })
  const [notice, complaint, answer] = [child.stdout, child.stderr, child.stdio[3]].map((stream) => collect(stream))
  // Node's own limit keeps its timer when a program is not there.
  const late = setTimeout(() => child.kill('SIGKILL'), POST_LOGIN_LIMITS.runMs)
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code ?? 0}` : `signal ${signal}`))
  })
  clearTimeout(late)
  const variables = parseEnvironment(answer?.() ?? '')
  if (variables.size === 0) {
    const said = complaint?.().trim() ?? ''
    throw new PostLoginDenied(
      `Post-login script denied access to user ${input.user} (${end}${said === '' ? '' : `: ${said}`})`,
    )
  }
  return { fields: fieldsFrom(variables, input.fields), notice: notice?.() ?? '' }
}

function environmentOf({ user, remoteIp, localIp, fields }: PostLoginInput): Record<string, string> {
  const keys = [...fields.keys()].map((name) => name.toUpperCase())
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    ...Object.fromEntries([...fields].map(([name, value]) => [name.toUpperCase(), value])),
    USER: user,
    HOME: fields.get('home') ?? '/',
    IP: remoteIp,
    LOCAL_IP: localIp,
    USERDB_KEYS: keys.map((key) => `${key} `).join(''),
  }
}

/** Only root can run programs as somebody else. */
async function rightsOf(user: string, system: SystemIds): Promise<{ uid?: number; gid?: number }> {
  if (user === '' || process.geteuid?.() !== 0) return {}
  const account = await system.user(user)
  if (account === undefined) throw new PostLoginDenied(`Post-login script: user ${user} does not exist`)
  return account.uid === 0 ? {} : { uid: account.uid, gid: account.gid }
}

/** What a stream says, up to the limit. */
function collect(stream: unknown): () => string {
  const chunks: Buffer[] = []
  let size = 0
  const readable = stream as NodeJS.ReadableStream | null
  readable?.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= POST_LOGIN_LIMITS.outputBytes) chunks.push(chunk)
  })
  readable?.on('error', () => undefined)
  return () => Buffer.concat(chunks).toString('utf8')
}

function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const entry of text.split('\0')) {
    const equals = entry.indexOf('=')
    if (equals > 0) found.set(entry.slice(0, equals), entry.slice(equals + 1))
  }
  return found
}

function fieldsFrom(
  variables: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const fields = new Map(before)
  for (const key of (variables.get('USERDB_KEYS') ?? '').split(/\s+/)) {
    const value = variables.get(key.toUpperCase())
    if (key !== '' && value !== undefined) fields.set(key.toLowerCase(), value)
  }
  return fields
}
