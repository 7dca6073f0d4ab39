import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { AuthOutcome, AuthService } from '../../src/auth/auth.ts'
import { passdbDrivers } from '../../src/auth/passdb/index.ts'
import { openAuthService } from '../../src/auth/service.ts'
import { logIn } from '../../src/auth/testing/open-auth.ts'
import { systemAuthNeeds } from '../../src/auth/testing/system.ts'
import { userdbDrivers } from '../../src/auth/userdb/index.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silent } from '../../src/observe/events.ts'
import { findMechanism } from '../../src/sasl/index.ts'
import { imapListeners, startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { connectRaw } from '../support/raw-client.ts'

// The same logins at Dovecot and at us, with one policy server that hears both: what it is told, and what comes of its answers.

/** What the policy server says about a user, request by request; the last answer stays. */
const ANSWERS = new Map<string, readonly (readonly [status: number, body: string])[]>([
  ['fine', [[200, '{"status":0,"msg":"fine"}']]],
  ['refused', [[200, '{"status":-1,"msg":"go away"}']]],
  ['coded', [[200, '{"status":-1,"msg":"[X] coded"}']]],
  ['silent', [[200, '{"status":-1}']]],
  ['slow', [[200, '{"status":1,"msg":"slow"}']]],
  [
    'after',
    [
      [200, '{"status":0,"msg":""}'],
      [200, '{"status":-1,"msg":"after"}'],
    ],
  ],
  ['failing', [[500, 'no']]],
  ['junk', [[200, 'junk']]],
  ['empty', [[200, '{}']]],
  ['strings', [[200, '{"status":"-1","msg":5}']]],
  ['extra', [[200, '{"x":{"y":[1,2]},"status":-1,"msg":"deep"}']]],
])

type Login = readonly [name: string, password: string]
const logins: readonly Login[] = [
  ...[...ANSWERS.keys()].map((name): Login => [name, 'x']),
  ['wrong', 'bad'],
  ['Upper', 'x'],
  ['nobody', 'x'],
  ['not allowed', 'x'],
  ['target*admin', 'm'],
  ['target*admin', 'bad'],
  ['quote"back\\slash', 'p\\ä"'],
]

const settings: readonly (readonly [why: string, more: string])[] = [
  ['the defaults', ''],
  ['auth_policy_reject_on_fail', 'auth_policy_reject_on_fail = yes\n'],
  ['auth_policy_log_only', 'auth_policy_log_only = yes\n'],
  ['only before', 'auth_policy_check_after_auth = no\nauth_policy_report_after_auth = no\n'],
  [
    'other attributes and hash',
    'auth_policy_hash_mech = md5\nauth_policy_hash_truncate = 21\nauth_policy_check_before_auth = no\n' +
      'auth_policy_request_attributes = login=%{requested_username} z/y=%{rip} a=%s z/b=%{hashed_password} orig=%{orig_user} 9=%m\n',
  ],
]

/** Hears requests below `/ours` and `/theirs`. */
async function startPolicyServer(t: { after(run: () => void): void }) {
  const heard: string[] = []
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const url = request.url ?? ''
      heard.push(`${url} ${body}`)
      const { login = '' } = JSON.parse(body) as { login?: string }
      const key = `${url} ${login}`
      const count = counts.get(key) ?? 0
      counts.set(key, count + 1)
      const answers = ANSWERS.get(login) ?? ANSWERS.get('fine') ?? []
      const [status, text] = answers[Math.min(count, answers.length - 1)] ?? [200, '{}']
      response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What one side has said, sorted: reports of several logins come as they like. */
    heard: (side: string): readonly string[] =>
      heard
        .filter((line) => line.startsWith(`/${side}`))
        .map((line) => line.replace(`/${side}`, ''))
        .toSorted((left, right) => (left < right ? -1 : 1)),
  }
}

for (const [why, more] of settings) {
  test(`a policy server hears from us what it hears from Dovecot: ${why}`, {
    skip: skipWithout('dovecot-imapd'),
  }, async (t) => {
    const policy = await startPolicyServer(t)
    const dovecot = await startDovecot(
      ({ dir, port }) => `${configText(dir, `${policy.url}/theirs`, more)}\n${imapListeners(port)}`,
    )
    t.after(() => dovecot.stop())
    const auth = await openOurs(dovecot.dir, `${policy.url}/ours`)
    t.after(() => auth.close())
    await Promise.all(
      logins.map(async ([name, password]) => {
        const [ours, theirs] = await Promise.all([
          ourLogin(auth, name, password),
          dovecotLogin(dovecot, name, password),
        ])
        assert.equal(ours, theirs, JSON.stringify([name, password]))
      }),
    )
    // Reports may come behind the answers, of both.
    const latest = performance.now() + PATIENCE_MS
    while (!isDeepStrictEqual(policy.heard('ours'), policy.heard('theirs')) && performance.now() < latest)
      await pause(20)
    assert.deepEqual(policy.heard('ours'), policy.heard('theirs'))
  })
}

function configText(dir: string, url: string, more: string): string {
  const mail = join(dir, 'mail')
  mkdirSync(mail)
  chmodSync(mail, 0o1777)
  const users = [...ANSWERS.keys(), 'wrong', 'upper', 'target'].map((name) => `${name}:{PLAIN}x`)
  writeFileSync(join(dir, 'users'), `${users.join('\n')}\n`, { mode: 0o644 })
  writeFileSync(join(dir, 'masters'), 'admin:{PLAIN}m\n', { mode: 0o644 })
  return `protocols = imap
disable_plaintext_auth = no
auth_master_user_separator = *
auth_policy_server_url = ${url}
auth_policy_hash_nonce = pepper
auth_policy_request_attributes = login=%{requested_username} pwhash=%{hashed_password} remote=%{rip} device_id=%{client_id} protocol=%s
${more}first_valid_uid = 1
mail_location = maildir:${mail}/%u
passdb {
  driver = passwd-file
  master = yes
  args = ${dir}/masters
}
passdb {
  driver = passwd-file
  args = ${dir}/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${mail}/%u
}
`
}

async function openOurs(dir: string, url: string): Promise<AuthService> {
  const files = { read: (name: string) => readFileSync(name), glob: () => [] }
  const overrides = [`auth_policy_server_url=${url}`]
  const { config, complaints } = loadConfig({ path: join(dir, 'dovecot.conf'), files, overrides })
  if (config === undefined) throw new Error(complaints.map(({ text }) => text).join('\n'))
  return await openAuthService({
    config,
    configFiles: files,
    needs: systemAuthNeeds(silent),
    passdbDrivers,
    userdbDrivers,
    findMechanism,
  })
}

async function ourLogin(auth: AuthService, name: string, password: string): Promise<string> {
  const connection = {
    remote: { ip: '127.0.0.1', port: 1 },
    local: { ip: '127.0.0.1', port: 143 },
    secured: 'secured',
  } as const
  return describe(await logIn(auth, name, password, { connection }))
}

function describe(outcome: AuthOutcome): string {
  if (outcome.kind === 'ok') return 'OK'
  if (outcome.why.kind !== 'failed') return outcome.why.kind
  const { reason } = outcome.why
  if (reason === undefined) return 'NO [AUTHENTICATIONFAILED] Authentication failed.'
  return reason.startsWith('[') ? `NO ${reason}` : `NO [ALERT] ${reason}`
}

async function dovecotLogin({ ports }: Started, name: string, password: string): Promise<string> {
  const wire = await connectRaw({ port: ports.imap ?? 0 })
  try {
    await wire.expect(/^\* OK /)
    wire.send(`a AUTHENTICATE PLAIN ${Buffer.from(`\0${name}\0${password}`).toString('base64')}`)
    const reply = (await wire.linesUntil(/^a /)).at(-1) ?? ''
    return reply.startsWith('a OK') ? 'OK' : reply.slice(2)
  } finally {
    wire.destroy()
  }
}
