import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type {
  AuthConnection,
  AuthOutcome,
  AuthService,
  ExtraFields,
  PassdbLookup,
  UserdbLookup,
} from '../../src/auth/auth.ts'
import { passdbDrivers } from '../../src/auth/passdb/index.ts'
import { openAuthService } from '../../src/auth/service.ts'
import { systemAuthNeeds } from '../../src/auth/testing/system.ts'
import { logIn, testConnection, testMechanism } from '../../src/auth/testing/open-auth.ts'
import { userdbDrivers } from '../../src/auth/userdb/index.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silent } from '../../src/observe/events.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { type Attempt, type ChainCase, chainCases } from './chain-cases.ts'

/** What a login or lookup came to, in terms both servers have. */
interface Answer {
  readonly kind: 'ok' | 'failed' | 'temporary' | 'unknown'
  readonly fields?: Readonly<Record<string, string>>
}

for (const chain of chainCases) {
  test(`as Dovecot: ${chain.why}`, { skip: skipWithout('dovecot') }, async (t) => {
    const dovecot = await startDovecot(({ dir }) => {
      writeFiles(chain, dir)
      return `protocols =\nauth_mechanisms = plain cram-md5\n${placed(chain.conf, dir)}`
    })
    t.after(() => dovecot.stop())
    const auth = await openOurs(join(dovecot.dir, 'dovecot.conf'))
    t.after(() => auth.close())
    // Dovecot takes half a second for each failure: all at once.
    await Promise.all(
      questions(chain).map(async (question) => {
        const [ours, theirs] = await Promise.all([question.ours(auth), question.theirs(dovecot)])
        assert.deepEqual({ title: question.title, ...ours }, { title: question.title, ...theirs })
      }),
    )
  })
}

interface Question {
  readonly title: string
  ours(auth: AuthService): Promise<Answer>
  theirs(dovecot: Started): Promise<Answer>
}

function questions({ attempts = [], lookups = [], sessions = [], users = [] }: ChainCase): readonly Question[] {
  const titled = (word: string, { user, password, info = {}, master = '' }: Attempt): string =>
    `${word} ${user} ${password} ${JSON.stringify(info)} ${master}`
  return [
    ...attempts.map((attempt) => ({
      title: titled('login', attempt),
      ours: (auth: AuthService) => ourLogin(auth, attempt),
      theirs: (dovecot: Started) => dovecotLogin(dovecot, attempt),
    })),
    ...sessions.map((attempt) => ({
      title: titled('session', attempt),
      ours: (auth: AuthService) => ourSession(auth, attempt),
      theirs: (dovecot: Started) => dovecotSession(dovecot, attempt),
    })),
    ...lookups.map((user) => ({
      title: `lookup ${user}`,
      ours: (auth: AuthService) => ourLookup(auth, user),
      theirs: (dovecot: Started) => dovecotLookup(dovecot, user),
    })),
    ...users.map((user) => ({
      title: `user ${user}`,
      ours: (auth: AuthService) => ourUser(auth, user),
      theirs: (dovecot: Started) => dovecotUser(dovecot, user),
    })),
  ]
}

function placed(text: string, dir: string): string {
  return text.replaceAll('DIR', join(dir, 'db'))
}

function writeFiles({ files = {} }: ChainCase, dir: string): void {
  mkdirSync(join(dir, 'db'))
  chmodSync(join(dir, 'db'), 0o755)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'db', name), text, { mode: 0o644 })
}

async function openOurs(path: string): Promise<AuthService> {
  const files = { read: (name: string) => readFileSync(name), glob: () => [] }
  const { config, complaints } = loadConfig({ path, files })
  if (config === undefined) throw new Error(complaints.map(({ text }) => text).join('\n'))
  return await openAuthService({
    config,
    configFiles: files,
    needs: systemAuthNeeds(silent),
    passdbDrivers,
    userdbDrivers,
    findMechanism: testMechanism,
  })
}

/** `doveadm auth test` knows no addresses and ports but those it is told. */
function connection(info: Readonly<Record<string, string>> = {}): AuthConnection {
  const local = { ip: info['lip'] ?? '', port: Number(info['lport'] ?? 0) }
  const remote = { ip: info['rip'] ?? '', port: 0 }
  return {
    ...testConnection,
    service: info['service'] ?? 'doveadm',
    session: '',
    local,
    remote,
    realLocal: local,
    realRemote: remote,
    secured: '',
  }
}

async function ourLogin(auth: AuthService, { user, password, info, master }: Attempt): Promise<Answer> {
  const authzid = master === undefined ? {} : { authzid: user }
  return answerOf(await logIn(auth, master ?? user, password, { connection: connection(info), ...authzid }))
}

function answerOf(outcome: AuthOutcome): Answer {
  if (outcome.kind === 'ok') {
    const { user, originalUser, masterUser, fields } = outcome
    const identity = {
      user,
      ...(originalUser !== user && { original_user: originalUser }),
      ...(masterUser !== undefined && { auth_user: masterUser }),
    }
    return { kind: 'ok', fields: { ...booleanized(fields), ...identity } }
  }
  switch (outcome.why.kind) {
    case 'temporary':
      return { kind: 'temporary' }
    case 'nologin':
    case 'referral':
      return { kind: 'ok', fields: { refused: 'nologin' } }
    case 'authorization-failed':
    case 'user-disabled':
      return { kind: 'failed', fields: { code: outcome.why.kind } }
    default:
      return { kind: 'failed' }
  }
}

async function ourLookup(auth: AuthService, user: string): Promise<Answer> {
  const found: PassdbLookup = await auth.lookupPassdb(connection(), user, AbortSignal.timeout(PATIENCE_MS))
  if (found.kind === 'found') return { kind: 'ok', fields: { ...Object.fromEntries(found.fields), user: found.user } }
  return { kind: found.kind === 'unknown' ? 'unknown' : 'temporary' }
}

async function ourUser(auth: AuthService, user: string): Promise<Answer> {
  const found: UserdbLookup = await auth.lookupUser(connection(), user, undefined, AbortSignal.timeout(PATIENCE_MS))
  if (found.kind === 'found') return { kind: 'ok', fields: withoutEmpty(found.fields, found.user) }
  return { kind: found.kind }
}

function withoutEmpty(fields: ExtraFields, user: string): Record<string, string> {
  return { ...Object.fromEntries(fields), user }
}

interface Output {
  readonly text: string
  readonly code: number
}

function doveadm(dovecot: Started, args: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(
      'doveadm',
      ['-c', join(dovecot.dir, 'dovecot.conf'), ...args],
      { timeout: PATIENCE_MS },
      (error, stdout, stderr) => {
        resolve({ text: `${stdout}${stderr}`, code: typeof error?.code === 'number' ? error.code : 0 })
      },
    )
  })
}

async function dovecotLogin(dovecot: Started, { user, password, info = {}, master }: Attempt): Promise<Answer> {
  const extra = Object.entries(info).flatMap(([key, value]) => ['-x', `${key}=${value}`])
  const asMaster = master === undefined ? [] : ['-M', master]
  const { text } = await doveadm(dovecot, ['auth', 'test', ...extra, ...asMaster, user, password])
  const fields = fieldLines(text, /^ {2}([^=\s]+)(?:=(.*))?$/)
  if (/auth succeeded/.test(text)) {
    // Dovecot leaves it to the login process to refuse.
    if (fields['nologin'] !== undefined) return { kind: 'ok', fields: { refused: 'nologin' } }
    return { kind: 'ok', fields: withoutPass(fields) }
  }
  if (!/auth failed/.test(text)) throw new Error(`doveadm auth test: ${text}\n${dovecot.logLines.slice(-5).join('\n')}`)
  switch (fields['code']) {
    case 'temp_fail':
      return { kind: 'temporary' }
    case 'authz_fail':
      return { kind: 'failed', fields: { code: 'authorization-failed' } }
    case 'user_disabled':
      return { kind: 'failed', fields: { code: 'user-disabled' } }
    default:
      return { kind: 'failed' }
  }
}

/** What the auth service adds for proxying; ours has the password beside the fields. */
function withoutPass(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'pass'))
}

/** Dovecot tells the login process only that the field is there. */
function booleanized(fields: ExtraFields): Record<string, string> {
  return { ...Object.fromEntries(fields), ...(fields.has('proxy') && { proxy: '' }) }
}

async function dovecotLookup(dovecot: Started, user: string): Promise<Answer> {
  const { text } = await doveadm(dovecot, ['auth', 'lookup', user])
  if (/doesn't exist/.test(text)) return { kind: 'unknown' }
  if (/lookup failed/.test(text)) return { kind: 'temporary' }
  return { kind: 'ok', fields: fieldLines(text, /^ {2}(\S+)\s*(?:: (.*))?$/) }
}

async function dovecotUser(dovecot: Started, user: string): Promise<Answer> {
  // -u: what the userdbs said, not what a mail process makes of it.
  const { text } = await doveadm(dovecot, ['user', '-u', user])
  if (/doesn't exist/.test(text)) return { kind: 'unknown' }
  if (/lookup failed/.test(text)) return { kind: 'temporary' }
  return { kind: 'ok', fields: fieldLines(text, /^ {2}(\S+)\s*(?:: (.*))?$/) }
}

/** Both halves of a login: the passdbs' answer, then the userdbs' with what the passdbs prefetched. */
async function ourSession(auth: AuthService, attempt: Attempt): Promise<Answer> {
  const { user, password } = attempt
  const outcome = await logIn(auth, user, password, { connection: connection() })
  if (outcome.kind === 'refused') return { kind: 'failed' }
  const found = await auth.lookupUser(
    connection(),
    outcome.user,
    outcome.userdbFields,
    AbortSignal.timeout(PATIENCE_MS),
  )
  if (found.kind === 'found') return { kind: 'ok', fields: withoutEmpty(found.fields, found.user) }
  return { kind: found.kind === 'temporary' ? 'temporary' : 'unknown' }
}

async function dovecotSession(dovecot: Started, { user, password }: Attempt): Promise<Answer> {
  const { text } = await doveadm(dovecot, ['auth', 'login', user, password])
  if (/auth failed/.test(text)) return { kind: 'failed' }
  if (/not found from userdb/.test(text)) return { kind: 'unknown' }
  const [, userdb] = text.split('userdb extra fields:\n')
  if (userdb === undefined) return { kind: 'temporary' }
  const [name = '', ...rest] = userdb.trim().split('\n')
  const {
    auth_mech: _mech,
    auth_user: _user,
    auth_token: _token,
    master_user: _master,
    ...fields
  } = fieldLines(rest.join('\n'), /^ {2}([^=\s]+)(?:=(.*))?$/)
  return { kind: 'ok', fields: { user: name.trim(), ...fields } }
}

function fieldLines(text: string, line: RegExp): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const row of text.split('\n')) {
    const [, name, value = ''] = line.exec(row) ?? []
    if (name !== undefined) fields[name] = value
  }
  return fields
}
