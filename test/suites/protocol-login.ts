// What every protocol with a login owes strangers and backends. A protocol's test calls `protocolLoginSuite` with its words.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ConnectionLost, DeadlineExceeded, READ_AHEAD_BYTES } from '../../src/net/byte-stream.ts'
import type {
  BackendWelcome,
  Credentials,
  Goodbye,
  LoginEnd,
  LoginVerdict,
  Protocol,
} from '../../src/protocols/protocol.ts'
import { ProxyFailure } from '../../src/protocols/proxy-failure.ts'
import { InvalidBase64, SaslAborted } from '../../src/sasl/mechanism.ts'
import {
  type LoginOptions,
  type Peer,
  play,
  streamAndPeer,
  type TestBackendIo,
  testBackendIo,
  type TestLoginIo,
  testLoginIo,
  testTarget,
} from '../support/protocol-session.ts'

/** A protocol and its words. Lines are without CRLF. */
export interface ProtocolWords {
  readonly protocol: Protocol
  /** The last line of a greeting. */
  readonly greetingEnd: RegExp
  /** A command that changes nothing, and its answer. */
  readonly noop: readonly [command: string, reply: string]
  readonly startTls: { readonly command: string; readonly reply: string; readonly greetsAgain?: boolean }
  readonly authenticate: (mechanism: string, initial?: string) => string
  readonly challenge: (base64: string) => string
  readonly response: (base64: string) => string
  readonly replies: {
    readonly failed: string
    readonly aborted: string
    readonly badCharacters: string
    readonly badPadding: string
    readonly invalidInitial: string
    readonly loggedIn: string
  }
  /** A welcome and a refusal of a backend, and what the client sees of the refusal. */
  readonly backendReplies: { readonly ok: string; readonly no: string; readonly noToClient: string }
  /** What a session may answer, whatever it was sent: each of its lines. */
  readonly answerLine: RegExp
  /** What the grammar treats specially. */
  readonly hostile: { readonly client: readonly string[]; readonly backend: readonly string[] }
  /** A login of t1 with the password `secret` at a backend, as `play` reads it: the backend's `B: `, the proxy's `P: `. */
  readonly backendLogin: readonly string[]
  /** The same with STARTTLS: up to the command, its OK, what an attacker adds to that, and the rest. */
  readonly backendStartTls: {
    readonly before: readonly string[]
    readonly ok: string
    readonly injected: readonly string[]
    readonly after: readonly string[]
  }
  readonly goodbyes: Readonly<Record<Goodbye, string>>
}

const duties: readonly [title: string, run: (words: ProtocolWords) => Promise<void>][] = [
  ['commands pipelined in clear text behind STARTTLS are thrown away', clientInjection],
  ['replies injected in clear text behind the OK to STARTTLS are thrown away', backendInjection],
  ['a handshake that fails is for the session to tell', failedHandshake],
  ['ten megabytes on one line are not buffered', endlessClientLine],
  ['a client that leaves in the middle of a command was there', halfCommand],
  ['no bytes whatsoever make a session hang, throw or answer with a line that is not its own', hostileClient],
  ['a client that sends single bytes is understood', clientByteByByte],
  ['a mechanism of several steps is carried out', severalSteps],
  ['a response that makes no sense is answered, and the client may go on', saslFaults],
  ['a response over 8 KiB closes the connection', largeResponse],
  ['a client that leaves during an exchange did not finish', leavesDuringExchange],
  ['a deadline is for the session to tell', clientDeadline],
  ['a client with a token learns why the backend refused it', tokenRefusal],
  ['what is pipelined behind a login stays for whoever is next', pipelinedBehindLogin],
  ['a local user is welcomed', localLogin],
  ["the backend's welcome and its refusal reach the client", backendVerdicts],
  ['a backend that leaves before the login is decided was disconnected, wherever it stood', backendLeaves],
  ['a backend that answers in single bytes is understood', backendByteByByte],
  ['a backend line without end is a protocol failure', endlessBackendLine],
  ['a broken connection says how', brokenConnection],
  ['a backend that stops talking runs into the deadline, and the step says where', backendDeadline],
  ['no bytes whatsoever from a backend lead to anything but a welcome or a failure', hostileBackend],
  ['a missing password is found before anything is said', missingPassword],
  ['a client that is cut off hears why', goodbyes],
]

export function protocolLoginSuite(words: ProtocolWords): void {
  describe(`login: ${words.protocol.name}`, () => {
    for (const [title, run] of duties) test(title, () => run(words))
  })
}

interface Stranger {
  readonly io: TestLoginIo
  readonly peer: Peer
  readonly end: Promise<LoginEnd>
}

async function greet(words: ProtocolWords, options: LoginOptions = {}): Promise<Stranger> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = words.protocol.login(io)
  end.catch(() => {})
  await greeting(words, peer)
  return { io, peer, end }
}

async function greeting({ greetingEnd }: ProtocolWords, peer: Peer): Promise<void> {
  for (;;) {
    const line = await peer.line()
    assert.ok(line !== undefined, 'the greeting ends')
    if (greetingEnd.test(line)) return
  }
}

interface Backend {
  readonly io: TestBackendIo
  readonly peer: Peer
  readonly result: Promise<BackendWelcome>
}

function connect({ protocol }: ProtocolWords, target = testTarget()): Backend {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream)
  const result = protocol.backend(io, target)
  result.catch(() => {})
  return { io, peer, result }
}

async function clientInjection(words: ProtocolWords): Promise<void> {
  const { io, peer } = await greet(words)
  const login = words.authenticate('PLAIN', base64('\0joe\0stolen'))
  peer.send(`${words.startTls.command}\r\n${login}\r\n${words.noop[0]}\r\n`)
  await play(peer, [`S: ${words.startTls.reply}`])
  if (words.startTls.greetsAgain === true) await greeting(words, peer)
  await play(peer, [`C: ${words.noop[0]}`, `S: ${words.noop[1]}`])
  assert.deepEqual(io.done.unreadAtTls, [0])
  assert.deepEqual(io.done.attempts, [])
}

async function backendInjection(words: ProtocolWords): Promise<void> {
  const { before, ok, injected, after } = words.backendStartTls
  const { io, peer, result } = connect(words, testTarget({ tls: 'starttls' }))
  await play(peer, before)
  peer.send([ok, ...injected].map((line) => `${line}\r\n`).join(''))
  await play(peer, after)
  assert.deepEqual((await result).lines, [words.backendReplies.ok])
  assert.deepEqual(io.done.unreadAtTls, [0])
}

async function failedHandshake(words: ProtocolWords): Promise<void> {
  const fault = new Error('wrong version number')
  const { peer, end } = await greet(words, { startTls: () => Promise.reject(fault) })
  peer.send(`${words.startTls.command}\r\n`)
  await assert.rejects(end, fault)
}

async function endlessClientLine(words: ProtocolWords): Promise<void> {
  const { io, peer, end } = await greet(words)
  for (let i = 0; i < 160; i++) peer.send('x'.repeat(65_536))
  assert.deepEqual(await end, { kind: 'closed', reason: 'Input buffer full' })
  assert.ok(io.stream.buffered <= READ_AHEAD_BYTES * 2, `${io.stream.buffered} bytes buffered`)
  assert.deepEqual(io.done.remarks, ['input line too long'])
}

async function halfCommand(words: ProtocolWords): Promise<void> {
  for (const half of ['', words.noop[0], words.authenticate('PLAIN', base64('\0joe\0secret')).slice(0, -3)]) {
    const { peer, end } = await greet(words)
    peer.send(half)
    peer.end()
    assert.deepEqual(await end, { kind: 'closed', reason: 'Connection closed' }, half)
  }
}

async function hostileClient(words: ProtocolWords): Promise<void> {
  await fc.assert(
    fc.asyncProperty(hostile(words.hostile.client, 120), async (input) => {
      const { peer, end } = await greet(words)
      const greeted = peer.writes.join('').length
      peer.send(input)
      peer.end()
      assert.ok(['closed', 'proxied'].includes((await end).kind))
      for (const line of peer.writes.join('').slice(greeted).split('\r\n'))
        if (line !== '') assert.match(line, words.answerLine)
    }),
    { numRuns: 200 },
  )
}

async function clientByteByByte(words: ProtocolWords): Promise<void> {
  const { io, peer } = await greet(words)
  await peer.sendByteByByte(`${words.authenticate('PLAIN', base64('\0joe\0secret'))}\r\n`)
  await play(peer, [`S: ${words.replies.failed}`])
  assert.equal(io.done.attempts[0]?.initial?.reveal().toString(), '\0joe\0secret')
}

async function severalSteps(words: ProtocolWords): Promise<void> {
  const answers: string[] = []
  const attempt = async (credentials: Credentials): Promise<LoginVerdict> => {
    for (const question of ['Username:', 'Password:']) {
      answers.push((await credentials.challenge(Buffer.from(question))).toString())
    }
    return FAILED
  }
  const { io, peer } = await greet(words, { attempt })
  await play(peer, [
    `C: ${words.authenticate('LOGIN')}`,
    `S: ${words.challenge(base64('Username:'))}`,
    `C: ${words.response(base64('joe'))}`,
    `S: ${words.challenge(base64('Password:'))}`,
    `C: ${words.response('')}`,
    `S: ${words.replies.failed}`,
    `C: ${words.noop[0]}`,
    `S: ${words.noop[1]}`,
  ])
  assert.deepEqual(answers, ['joe', ''])
  assert.equal(io.done.attempts[0]?.initial, undefined)
}

const FAILED: LoginVerdict = { kind: 'refused', why: { kind: 'failed' } }

/** An auth service that asks once and turns the client's faults into refusals, as the real one does. */
async function askOnce(credentials: Credentials): Promise<LoginVerdict> {
  try {
    await credentials.challenge(Buffer.alloc(0))
    return FAILED
  } catch (error) {
    if (error instanceof InvalidBase64) return { kind: 'refused', why: { kind: 'invalid-base64', initial: false } }
    assert.ok(error instanceof SaslAborted)
    return { kind: 'refused', why: { kind: 'aborted' } }
  }
}

async function saslFaults(words: ProtocolWords): Promise<void> {
  const { replies } = words
  const rows: readonly (readonly [response: string, reply: string, remark: string])[] = [
    ['*', replies.aborted, 'aborted authentication'],
    ['!!!!', replies.badCharacters, 'sent invalid base64 in response'],
    ['AAA', replies.badPadding, 'sent invalid base64 in response'],
  ]
  for (const [response, reply, remark] of rows) {
    const { io, peer } = await greet(words, { attempt: askOnce })
    await play(peer, [
      `C: ${words.authenticate('PLAIN')}`,
      `S: ${words.challenge('')}`,
      `C: ${words.response(response)}`,
      `S: ${reply}`,
      `C: ${words.noop[0]}`,
      `S: ${words.noop[1]}`,
    ])
    assert.deepEqual(io.done.remarks, [remark])
  }
  const { io, peer } = await greet(words, { attempt: askOnce })
  await play(peer, [`C: ${words.authenticate('PLAIN', '!!!!')}`, `S: ${replies.invalidInitial}`])
  // The auth service tells the log.
  assert.deepEqual(
    io.done.attempts.map(({ mechanism }) => mechanism),
    ['PLAIN'],
  )
}

async function largeResponse(words: ProtocolWords): Promise<void> {
  const { peer, end } = await greet(words, { attempt: askOnce })
  await play(peer, [`C: ${words.authenticate('PLAIN')}`, `S: ${words.challenge('')}`])
  peer.send(`${words.response('A'.repeat(8192))}\r\n`)
  assert.deepEqual(await end, { kind: 'closed', reason: 'Authentication response too large' })
}

async function leavesDuringExchange(words: ProtocolWords): Promise<void> {
  const { io, peer, end } = await greet(words, { attempt: askOnce })
  await play(peer, [`C: ${words.authenticate('PLAIN')}`, `S: ${words.challenge('')}`])
  peer.end()
  const left = await end
  assert.match(left.kind === 'closed' ? left.reason : left.kind, /^Connection closed/)
  assert.deepEqual(io.done.remarks, ["client didn't finish SASL auth"])
}

async function clientDeadline(words: ProtocolWords): Promise<void> {
  const waiting = await greet(words)
  waiting.io.stream.setDeadline(5)
  await assert.rejects(waiting.end, DeadlineExceeded)
  const { io, peer, end } = await greet(words, { attempt: askOnce })
  await play(peer, [`C: ${words.authenticate('PLAIN')}`, `S: ${words.challenge('')}`])
  io.stream.setDeadline(5)
  await assert.rejects(end, DeadlineExceeded)
}

async function tokenRefusal(words: ProtocolWords): Promise<void> {
  const oauthDetail = Buffer.from('{"status":"invalid_token"}')
  const { no, noToClient } = words.backendReplies
  const attempt = (): LoginVerdict => ({
    kind: 'backend-refused',
    temporary: false,
    reply: { lines: [no], oauthDetail },
  })
  for (const [mechanism, answer] of [
    ['XOAUTH2', ''],
    ['OAUTHBEARER', 'AQ=='],
    ['XOAUTH2', '*'],
  ] as const) {
    const { peer } = await greet(words, { attempt })
    await play(peer, [
      `C: ${words.authenticate(mechanism, base64('token'))}`,
      `S: ${words.challenge(oauthDetail.toString('base64'))}`,
      `C: ${words.response(answer)}`,
      `S: ${noToClient}`,
    ])
  }
  const { peer } = await greet(words, { attempt })
  await play(peer, [`C: ${words.authenticate('PLAIN', base64('\0joe\0x'))}`, `S: ${noToClient}`])
}

async function pipelinedBehindLogin(words: ProtocolWords): Promise<void> {
  const { ok } = words.backendReplies
  const attempt = (): LoginVerdict => ({ kind: 'proxied', welcome: { untagged: [], lines: [ok] } })
  const { io, peer, end } = await greet(words, { attempt })
  peer.send(`${words.authenticate('PLAIN', base64('\0joe\0x'))}\r\nNEXT 1\r\nNEXT 2\r\n`)
  assert.deepEqual(await end, { kind: 'proxied' })
  await play(peer, [`S: ${ok}`])
  assert.equal(io.stream.takeBuffered().toString(), 'NEXT 1\r\nNEXT 2\r\n')
}

async function localLogin(words: ProtocolWords): Promise<void> {
  const attempt = (): LoginVerdict => ({ kind: 'local', user: 'joe', fields: new Map() })
  const { peer, end } = await greet(words, { attempt })
  await play(peer, [`C: ${words.authenticate('PLAIN', base64('\0joe\0x'))}`, `S: ${words.replies.loggedIn}`])
  assert.deepEqual(await end, { kind: 'local', user: 'joe' })
}

async function backendVerdicts(words: ProtocolWords): Promise<void> {
  const { ok, no, noToClient } = words.backendReplies
  const verdicts: LoginVerdict[] = [
    { kind: 'backend-refused', temporary: false, reply: { lines: [no] } },
    { kind: 'proxied', welcome: { untagged: [], lines: [ok] } },
  ]
  const { peer, end } = await greet(words, { attempt: () => verdicts.shift() ?? FAILED })
  const login = words.authenticate('PLAIN', base64('\0joe\0x'))
  await play(peer, [`C: ${login}`, `S: ${noToClient}`, `C: ${login}`, `S: ${ok}`])
  assert.deepEqual(await end, { kind: 'proxied' })
}

async function backendLeaves(words: ProtocolWords): Promise<void> {
  const { backendLogin } = words
  for (let steps = 0; steps < backendLogin.length; steps++) {
    const { peer, result } = connect(words)
    await play(peer, backendLogin.slice(0, steps))
    // Half of its next line, if it has one.
    const next = backendLogin[steps] ?? ''
    if (next.startsWith('B: ')) peer.send(next.slice('B: '.length, -1))
    peer.end()
    const failure = { class: 'connect', message: 'Disconnected by server: Connection closed' }
    await assert.rejects(result, failure, `after ${steps} steps`)
  }
}

async function backendByteByByte(words: ProtocolWords): Promise<void> {
  const { peer, result } = connect(words)
  for (const step of words.backendLogin) {
    if (step.startsWith('B: ')) await peer.sendByteByByte(`${step.slice(3)}\r\n`)
    else await play(peer, [step])
  }
  assert.deepEqual((await result).lines, [words.backendReplies.ok])
}

async function endlessBackendLine(words: ProtocolWords): Promise<void> {
  const { io, peer, result } = connect(words)
  const [first = ''] = words.backendLogin
  peer.send(first.slice('B: '.length))
  for (let i = 0; i < 160; i++) peer.send('x'.repeat(65_536))
  await assert.rejects(result, { class: 'protocol', message: 'Too long input line' })
  assert.ok(io.stream.buffered <= READ_AHEAD_BYTES * 2, `${io.stream.buffered} bytes buffered`)
}

async function brokenConnection({ protocol }: ProtocolWords): Promise<void> {
  const { stream } = streamAndPeer()
  const io = testBackendIo(
    Object.assign(Object.create(stream) as typeof stream, {
      readLine: () => Promise.reject(new ConnectionLost('read(size=4096) failed: Connection reset by peer')),
    }),
  )
  await assert.rejects(protocol.backend(io, testTarget()), {
    class: 'connect',
    message: 'Disconnected by server: Connection closed: read(size=4096) failed: Connection reset by peer',
  })
}

async function backendDeadline(words: ProtocolWords): Promise<void> {
  const { io, peer, result } = connect(words)
  await play(peer, words.backendLogin.slice(0, -1))
  io.stream.setDeadline(20)
  await assert.rejects(result, DeadlineExceeded)
  assert.notEqual(io.step, '')
}

async function hostileBackend(words: ProtocolWords): Promise<void> {
  await fc.assert(
    fc.asyncProperty(hostile(words.hostile.backend, 60), fc.nat(words.backendLogin.length), async (input, steps) => {
      const { peer, result } = connect(words)
      await play(peer, words.backendLogin.slice(0, steps))
      peer.send(input)
      peer.end()
      const lines = await result.then(
        (welcome) => [...welcome.untagged, ...welcome.lines],
        (error: unknown) => {
          assert.ok(error instanceof ProxyFailure, String(error))
          return [...(error.reply?.lines ?? []), error.message]
        },
      )
      for (const line of lines) assert.doesNotMatch(line, /[\r\n\0]/)
    }),
    { numRuns: 200 },
  )
}

async function missingPassword(words: ProtocolWords): Promise<void> {
  for (const mechanism of [undefined, 'PLAIN', 'XOAUTH2']) {
    const target = testTarget({ secret: undefined, ...(mechanism === undefined ? {} : { mechanism }) })
    const { peer, result } = connect(words, target)
    peer.send(
      words.backendLogin
        .filter((step) => step.startsWith('B: '))
        .map((step) => `${step.slice(3)}\r\n`)
        .join(''),
    )
    await assert.rejects(result, { class: 'internal', message: 'password not given' })
  }
}

async function goodbyes({ protocol, goodbyes: expected }: ProtocolWords): Promise<void> {
  for (const [why, line] of Object.entries(expected) as [Goodbye, string][])
    assert.equal(protocol.goodbye(why, 'mail.example.org'), `${line}\r\n`)
}

function hostile(special: readonly string[], maxLength: number): fc.Arbitrary<string> {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  return fc.string({ unit: fc.oneof(fc.constantFrom(...special, '\r\n', '\0', '\r', '\n', ' '), byte), maxLength })
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}
