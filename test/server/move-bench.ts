import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { startPostern } from '../peers/postern.ts'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { type Exit, ServerProcess } from '../support/server-process.ts'
import type { Wire } from '../support/wire.ts'

/** Where what was started is ended: a test, or all tests of a suite. */
export interface Stage {
  after(end: () => unknown): void
}

/** How users' rows are kept. */
export interface RowKeeper {
  readonly name: string
  /** Writes the database of these users, all at one backend; returns the passdb of the configuration. */
  write(dir: string, users: readonly string[], backend: { host: string; port: number }): string
}

export const passwdFile: RowKeeper = {
  name: 'passwd-file',
  write(dir, users, { host, port }) {
    const lines = users.map((user) => `${user}:{PLAIN}pw-${user}::::::proxy=y host=${host} port=${port} nodelay=y\n`)
    writeFileSync(join(dir, 'users'), `# users\n${lines.join('')}`, { mode: 0o640 })
    return `passdb {\n  driver = passwd-file\n  args = ${dir}/users\n}\n`
  },
}

export const sqlite: RowKeeper = {
  name: 'sql',
  write(dir, users, { host, port }) {
    const database = new DatabaseSync(join(dir, 'users.sqlite'))
    database.exec('CREATE TABLE users (user TEXT PRIMARY KEY, password TEXT, host TEXT, port TEXT, delay_until TEXT)')
    const insert = database.prepare('INSERT INTO users VALUES (?, ?, ?, ?, NULL)')
    database.exec('BEGIN')
    for (const user of users) insert.run(user, `{PLAIN}pw-${user}`, host, String(port))
    database.exec('COMMIT')
    database.close()
    writeFileSync(
      join(dir, 'sql.conf.ext'),
      `driver = sqlite
connect = ${dir}/users.sqlite
password_query = SELECT password, host, port, delay_until, 'y' AS proxy FROM users WHERE user = '%u'
postern_move_query = UPDATE users SET host = '%{host}', port = NULLIF('%{port}', '') \\
  WHERE user = '%u' AND host = '%{old_host}'
`,
    )
    return `passdb {\n  driver = sql\n  args = ${dir}/sql.conf.ext\n}\n`
  },
}

/** A login that was tried: what the client was told, and by whom it was let in. */
export interface TriedLogin {
  readonly user: string
  readonly startedMs: number
  readonly endedMs: number
  readonly reply: string
  /** `A` or `B`; empty when it was refused. */
  readonly backend: string
  readonly client: Wire
}

/** A proxy, an old backend A, a new backend B, and users who are all on A. */
export interface MoveBench {
  readonly server: Started
  readonly a: BackendSide
  readonly b: BackendSide
  /** Users who logged in to B while they still had something on A: what a move is to prevent. */
  readonly overlaps: readonly string[]
  login(user: string): Promise<TriedLogin>
  /** Runs `postern NAME ...` against the server. */
  postern(...words: string[]): Promise<{ readonly exit: Exit; readonly lines: readonly string[] }>
  /** The same, still running. */
  start(...words: string[]): ServerProcess
}

export interface BackendSide {
  readonly backend: ScriptedBackend
  /** Users of the connections that are open now, those that are being let in among them. */
  open(): readonly string[]
}

const CLI = fileURLToPath(new URL('../../bin/postern.js', import.meta.url))
/** Held logins wait for as long as a move takes. */
const LOGIN_MS = 90_000

export async function startMoveBench(
  t: Stage,
  options: { keeper: RowKeeper; users: readonly string[]; workers?: number; settings?: string },
): Promise<MoveBench> {
  const overlaps: string[] = []
  const a = await startSide(t, 'A', '127.0.0.1', () => undefined)
  const b = await startSide(t, 'B', '127.0.0.2', (user) => {
    if (a.open().includes(user)) overlaps.push(user)
  })
  const server = await startPostern(
    ({ dir, port }) => `protocols = imap
disable_plaintext_auth = no
login_trusted_networks =
postern_workers = ${options.workers ?? 2}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
${options.settings ?? ''}
${options.keeper.write(dir, options.users, a.backend)}`,
  )
  t.after(async () => await server.stop())
  const start = (...words: string[]): ServerProcess => {
    const [name = '', ...rest] = words
    const args = [CLI, name, '-c', join(server.dir, 'dovecot.conf'), ...rest]
    const running = new ServerProcess({ command: process.execPath, args })
    t.after(async () => await running.stop())
    return running
  }
  return {
    server,
    a,
    b,
    overlaps,
    login: async (user) => await tryLogin(t, server.ports['imap'] ?? 0, user),
    start,
    async postern(...words) {
      const running = start(...words)
      return { exit: await running.exited, lines: running.lines }
    },
  }
}

/** Every tenth login takes longer than it takes to change rows, so that some are on their way when sessions are ended. */
const SLOW_MS = 2500

async function startSide(t: Stage, name: string, host: string, onLogin: (user: string) => void): Promise<BackendSide> {
  const sessions = new Map<Wire, string>()
  const backend = await startScriptedBackend(async (wire, number) => {
    wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR ID LITERAL+] ready')
    await wire.expect(/^I ID /)
    const user = userOf(await wire.line())
    if (user === undefined) return wire.send('I OK', 'L NO wrong')
    onLogin(user)
    sessions.set(wire, user)
    if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    wire.send('I OK', `L OK [CAPABILITY IMAP4rev1] on ${name}`)
    for (;;) wire.send((await wire.line(600_000)).toUpperCase())
  }, host)
  t.after(async () => await backend.close())
  return {
    backend,
    open: () => [...sessions].filter(([wire]) => !wire.ended).map(([, user]) => user),
  }
}

/** The user of a login with their own password, whichever way the proxy sends it. */
function userOf(line: string): string | undefined {
  const plain = /^L AUTHENTICATE PLAIN (\S+)$/.exec(line)?.[1]
  const [user = '', password = ''] =
    plain === undefined
      ? [...line.matchAll(/"([^"]*)"|(?<= )([^ "]+)/g)].slice(1).map(([, quoted, bare]) => quoted ?? bare ?? '')
      : Buffer.from(plain, 'base64').toString().split('\0').slice(1)
  return password === `pw-${user}` ? user : undefined
}

async function tryLogin(t: Stage, port: number, user: string): Promise<TriedLogin> {
  const startedMs = performance.now()
  const client = await connectRaw({ port, name: `client of ${user}` })
  t.after(() => client.destroy())
  let reply = ''
  try {
    await client.expect(/^\* OK /)
    client.send(`a LOGIN ${user} pw-${user}`)
    reply = (await client.linesUntil(/^a /, LOGIN_MS)).at(-1) ?? ''
  } catch (error) {
    reply = error instanceof Error ? error.message : String(error)
  }
  const backend = /^a OK .* on ([AB])$/.exec(reply)?.[1] ?? ''
  return { user, startedMs, endedMs: performance.now(), reply, backend, client }
}
