import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type MailBackend, type MailBackendOptions, startMailBackend } from './lmtp/mail-backend.ts'
import { lmtpConfig, startDovecotDelivery, startPosternLmtp, workerMemory } from './lmtp/peers.ts'
import { skipWithout } from './peers/peers.ts'
import type { Started } from './peers/started.ts'
import { PATIENCE_MS, within } from './support/deadline.ts'
import { connectRaw } from './support/raw-client.ts'
import type { Wire } from './support/wire.ts'

const MIB = 1024 * 1024
const skipMemory = existsSync('/proc/self/clear_refs') ? false : 'memory is measured through /proc, which is not here'
/** What Postern's memory may grow by, however large a message is. */
const GROWTH_BYTES = 128 * MIB

async function backend(t: TestContext, options: MailBackendOptions = {}): Promise<MailBackend> {
  const started = await startMailBackend(options)
  t.after(() => started.close())
  return started
}

async function proxy(t: TestContext, users: Record<string, string>, settings = ''): Promise<Started> {
  const rows = Object.entries(users).map(([name, fields]) => `${name}::::::: ${fields}\n`)
  const started = await startPosternLmtp(lmtpConfig({ users: rows.join(''), settings }))
  t.after(() => started.stop())
  return started
}

const to = ({ host, port }: { host: string; port: number }, more = ''): string =>
  `proxy host=${host} port=${port} ${more}`

async function client(t: TestContext, { ports }: Started): Promise<Wire> {
  const wire = await connectRaw({ port: ports['lmtp'] ?? 0 })
  t.after(() => wire.destroy())
  await wire.expect(/^220 /)
  wire.send('LHLO client.test')
  await wire.linesUntil(/^250 /)
  return wire
}

async function envelope(wire: Wire, recipients: readonly string[]): Promise<void> {
  wire.send('MAIL FROM:<sender@example.org>', ...recipients.map((name) => `RCPT TO:<${name}>`), 'DATA')
  await wire.expect(/^250 /)
  for (const _ of recipients) await wire.expect(/^250 /)
  await wire.expect('354 OK')
}

/** A line of 1 KiB with its CRLF, that begins with a dot every now and then. */
function line(number: number): Buffer {
  const text = `${number % 16 === 0 ? '.' : ''}line ${number} `
  return Buffer.from(`${text.padEnd(1022, 'x')}\r\n`)
}

interface Sent {
  readonly digest: string
  readonly sizeBytes: number
}

/** Sends this many KiB of message within DATA, as fast as they are taken, and the end. */
async function sendMessage(socket: Socket, kib: number, stopped: () => boolean = () => false): Promise<Sent> {
  const hash = createHash('sha1')
  for (let number = 0; number < kib && !stopped(); number += 64) {
    const lines = Array.from({ length: 64 }, (_, index) => line(number + index))
    for (const bytes of lines) hash.update(bytes)
    const stuffed = Buffer.concat(
      lines.map((bytes) => (bytes[0] === 0x2e ? Buffer.concat([Buffer.from('.'), bytes]) : bytes)),
    )
    if (!socket.write(stuffed)) await once(socket, 'drain')
  }
  socket.write('.\r\n')
  return { digest: hash.digest('hex'), sizeBytes: kib * 1024 }
}

/** A client on a socket of its own, as large messages do not fit into a Wire. */
async function bigClient(
  t: TestContext,
  { ports }: Started,
  recipients: readonly string[],
): Promise<{ socket: Socket; replies: () => string[] }> {
  const socket = connect(ports['lmtp'] ?? 0, '127.0.0.1')
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')))
  socket.on('error', () => undefined)
  socket.write(
    `LHLO client.test\r\nMAIL FROM:<sender@example.org>\r\n${recipients.map((name) => `RCPT TO:<${name}>\r\n`).join('')}DATA\r\n`,
  )
  await within(
    PATIENCE_MS,
    () => `no 354 but ${text}`,
    untilText(socket, () => text.includes('354 OK')),
  )
  text = ''
  return { socket, replies: () => text.split('\r\n').slice(0, -1) }
}

async function untilText(socket: Socket, ready: () => boolean): Promise<void> {
  while (!ready()) await once(socket, 'data')
}

async function untilReplies(socket: Socket, replies: () => string[], count: number): Promise<string[]> {
  const complaint = (): string => `only ${JSON.stringify(replies())}`
  await within(
    PATIENCE_MS,
    complaint,
    untilText(socket, () => replies().length >= count),
  )
  return replies()
}

for (const [what, extensions] of [
  ['BDAT', ['8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING']],
  ['BDAT, chunk by chunk', ['CHUNKING']],
  ['DATA', ['ENHANCEDSTATUSCODES', 'PIPELINING']],
] as const) {
  test(`a message of 200 MiB reaches two backends whole by ${what}, and never sits in memory`, {
    skip: skipMemory,
  }, async (t) => {
    const backends = [await backend(t, { extensions }), await backend(t, { extensions })] as const
    const server = await proxy(t, { 'joe@x': to(backends[0]), 'jane@x': to(backends[1]) })
    const warm = await bigClient(t, server, ['joe@x', 'jane@x'])
    await sendMessage(warm.socket, 1024)
    await untilReplies(warm.socket, warm.replies, 2)
    workerMemory(server)
    const before = workerMemory(server)
    const { socket, replies } = await bigClient(t, server, ['joe@x', 'jane@x'])
    const sent = await sendMessage(socket, 200 * 1024)
    assert.match(
      (await untilReplies(socket, replies, 2)).join('\n'),
      /^250 2\.0\.0 <joe@x> .* Saved\n250 2\.0\.0 <jane@x> .*:R2 Saved$/,
    )
    for (const { messages } of backends) {
      assert.equal(messages[1]?.digest, sent.digest, 'every byte, once and in order')
      assert.equal(messages[1]?.sizeBytes, sent.sizeBytes + (messages[1]?.head.length ?? 0))
    }
    const growth = workerMemory(server).peak - before.now
    t.diagnostic(
      `memory grew by ${(growth / MIB).toFixed(1)} MiB at its peak, from ${(before.now / MIB).toFixed(1)} MiB`,
    )
    assert.ok(growth < GROWTH_BYTES, `grew by ${growth} bytes`)
  })
}

test('a backend that dies in the middle of a large message costs its own recipients only [row 28: lmtp]', async (t) => {
  const dying = await backend(t, { conduct: (received) => (received > 3 * MIB ? 'dies' : 'goes on') })
  const healthy = await backend(t)
  const server = await proxy(t, { 'joe@x': to(dying), 'jim@x': to(dying), 'jane@x': to(healthy) })
  const { socket, replies } = await bigClient(t, server, ['joe@x', 'jane@x', 'jim@x'])
  const sent = await sendMessage(socket, 8 * 1024)
  const [joe = '', jane = '', jim = ''] = await untilReplies(socket, replies, 3)
  assert.match(joe, /^451 4\.4\.0 Proxy failed \(connection lost, session=[^:]*\)$/)
  assert.match(jane, /^250 2\.0\.0 <jane@x> .*:R2 Saved$/)
  assert.match(jim, /^451 4\.4\.0 Proxy failed \(connection lost, session=.*:R3\)$/)
  assert.equal(healthy.messages[0]?.digest, sent.digest)
  assert.deepEqual(dying.messages, [])
})

test('a backend that stops reading holds up nobody longer than its proxy_timeout, and loses its own recipients only', async (t) => {
  const stalled = await backend(t, { conduct: (received) => (received > MIB ? 'stalls' : 'goes on') })
  const healthy = await backend(t)
  const server = await proxy(t, { 'joe@x': to(stalled, 'proxy_timeout=10'), 'jane@x': to(healthy, 'proxy_timeout=10') })
  const { socket, replies } = await bigClient(t, server, ['joe@x', 'jane@x'])
  const startedMs = performance.now()
  const sent = await sendMessage(socket, 16 * 1024)
  const [joe = '', jane = ''] = await untilReplies(socket, replies, 2)
  assert.equal(
    joe,
    '451 4.4.0 <joe@x> Remote server not answering (transaction timed out while waiting for reply to DATA)',
  )
  assert.match(jane, /^250 /)
  assert.equal(healthy.messages[0]?.digest, sent.digest)
  assert.deepEqual(stalled.messages, [])
  const tookMs = performance.now() - startedMs
  // Without the field it would be two minutes.
  assert.ok(tookMs > 9_500 && tookMs < 60_000, `took ${tookMs} ms`)
})

test('when every backend died the rest of the message is read, and everybody told', async (t) => {
  const dying = await backend(t, { conduct: (received) => (received > MIB ? 'dies' : 'goes on') })
  const server = await proxy(t, { 'joe@x': to(dying) })
  const { socket, replies } = await bigClient(t, server, ['joe@x'])
  await sendMessage(socket, 20 * 1024)
  assert.match((await untilReplies(socket, replies, 1)).join(), /^451 4\.4\.0 Proxy failed \(connection lost/)
  socket.write('NOOP\r\n')
  assert.equal((await untilReplies(socket, replies, 2))[1], '250 2.0.0 OK')
})

for (const [what, extensions] of [
  ['BDAT', ['CHUNKING', 'PIPELINING']],
  ['DATA', ['PIPELINING']],
] as const) {
  test(`a client that leaves in the middle of a large message: the backend sees no end of it (${what})`, async (t) => {
    const receiver = await backend(t, { extensions })
    const server = await proxy(t, { 'joe@x': to(receiver) })
    const { socket } = await bigClient(t, server, ['joe@x'])
    await sendMessage(socket, 64 * 1024, () => {
      if (receiver.receivedBytes < MIB) return false
      socket.destroy()
      return true
    })
    await receiver.ended()
    assert.deepEqual(receiver.messages, [])
    assert.ok(receiver.receivedBytes >= MIB)
    assert.ok(!receiver.commands[0]?.some((command) => /^BDAT \d+ LAST$/.test(command)))
    await server.waitForLog(
      /Disconnect from 127\.0\.0\.1: Connection closed.* \(unfinished DATA command\) \(state=DATA\)/,
    )
  })
}

test('a backend that refuses DATA is believed while the client still sends', async (t) => {
  const full = await backend(t, {
    extensions: ['PIPELINING'],
    reply: (command) => (command === 'DATA' ? '552 5.3.4 too big' : undefined),
  })
  const server = await proxy(t, { 'joe@x': to(full) })
  const { socket, replies } = await bigClient(t, server, ['joe@x'])
  await sendMessage(socket, 4 * 1024)
  assert.deepEqual(await untilReplies(socket, replies, 1), ['552 5.0.0 <joe@x> 5.3.4 too big'])
})

test('a thousand recipients on ten backends, and not one more [row 28: lmtp]', async (t) => {
  const backends = await Promise.all(Array.from({ length: 10 }, () => backend(t)))
  const names = Array.from({ length: 1001 }, (_, index) => `user${index}@x`)
  const users = Object.fromEntries(
    names.map((name, index) => [name, to(backends[index % 10] ?? { host: '', port: 0 })]),
  )
  const server = await proxy(t, users)
  const wire = await client(t, server)
  wire.send('MAIL FROM:<sender@example.org>', ...names.map((name) => `RCPT TO:<${name}>`))
  await wire.expect(/^250 /)
  for (let index = 0; index < 1000; index++) await wire.expect('250 2.0.0 OK')
  await wire.expect('452 4.5.3 <user1000@x> Too many recipients')
  wire.send('DATA', 'x', '.')
  await wire.expect('354 OK')
  for (let index = 0; index < 1000; index++) {
    const id = index === 0 ? '[^:]*' : `.*:R${index + 1}`
    await wire.expect(new RegExp(`^250 2\\.0\\.0 <user${index}@x> ${id} Saved$`))
  }
  for (const { messages } of backends) assert.equal(messages[0]?.recipients.length, 100)
})

test('a client that says everything at once and closes its side gets all its answers', async (t) => {
  const receiver = await backend(t)
  const server = await proxy(t, { 'joe@x': to(receiver) })
  const socket = connect({ port: server.ports['lmtp'] ?? 0, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  socket.end('LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<joe@x>\r\nDATA\r\nhello\r\n.\r\nNOOP\r\nQUIT\r\n')
  let text = ''
  for await (const bytes of socket) text += String(bytes)
  assert.match(text, /\r\n354 OK\r\n250 2\.0\.0 <joe@x> \S+ Saved\r\n250 2\.0\.0 OK\r\n221 2\.0\.0 Bye\r\n$/)
  assert.equal(receiver.messages.length, 1)
})

test('a proxy that sends mail round to itself, trusting nobody, stops at the last hop [row 17: lmtp]', async (t) => {
  // The user changes with every hop, so that no hop looks like a loop by itself.
  const users = Object.fromEntries(
    Array.from({ length: 20 }, (_, hop) => [`hop${hop}@x`, `proxy host=127.0.0.1 destuser=hop${hop + 1}@x`]),
  )
  const looping = await proxy(t, users)
  const wire = await client(t, looping)
  wire.send('MAIL FROM:<sender@example.org>', 'RCPT TO:<hop0@x>')
  await wire.expect('250 2.1.0 OK')
  await wire.expect(/^554 5\.4\.6 <hop0@x> Proxying appears to be looping \(TTL=0\)$/)
  const hops = looping.logLines.filter((text) => text.includes('Connect from')).length
  assert.ok(hops <= 7, `${hops} connections`)
})

const skipDovecot = existsSync('/usr/lib/dovecot/lmtp') ? skipWithout('dovecot') : 'dovecot-lmtpd is not installed'

test('Dovecot takes the mail and puts it into its Maildirs', { skip: skipDovecot }, async (t) => {
  const dovecot = await startDovecotDelivery()
  t.after(() => dovecot.stop())
  const place = { host: '127.0.0.1', port: dovecot.ports['lmtp'] ?? 0 }
  const server = await proxy(t, { 'joe@x': to(place), 'jane@x': to(place, 'destuser=jane.doe@y') })
  const wire = await client(t, server)
  await envelope(wire, ['joe@x', 'jane+box@x'])
  wire.sendRaw('Subject: hello\r\n\r\nbody\r\n..dot\r\nbare\nlf\r\n.\r\n')
  await wire.expect(/^250 2\.0\.0 <joe@x> \S+ Saved$/)
  await wire.expect(/^250 2\.0\.0 <jane\+box@x> \S+:R2 Saved$/)
  for (const user of ['joe@x', 'jane.doe@y']) {
    const folder = join(dovecot.dir, 'mail', user, 'new')
    const files = readdirSync(folder)
    assert.equal(files.length, 1)
    const mail = readFileSync(join(folder, files[0] ?? ''), 'latin1')
    // It took our word for the client's address and session.
    assert.match(mail, /^Received: from proxy\.test \(\[127\.0\.0\.1\]\)\n\tby backend\.test with LMTP\n\tid \S+:P1$/m)
    assert.match(mail, /^Received: from client\.test \(\[127\.0\.0\.1\]\)\n\tby proxy\.test with LMTP$/m)
    assert.ok(mail.endsWith('\n\nbody\n.dot\nbare\nlf\n'), JSON.stringify(mail.slice(-60)))
  }
})

test('a large message in Dovecot is the message that was sent', { skip: skipDovecot }, async (t) => {
  const dovecot = await startDovecotDelivery()
  t.after(() => dovecot.stop())
  const place = { host: '127.0.0.1', port: dovecot.ports['lmtp'] ?? 0 }
  const server = await proxy(t, { 'joe@x': to(place) })
  const { socket, replies } = await bigClient(t, server, ['joe@x'])
  await sendMessage(socket, 10 * 1024)
  assert.match((await untilReplies(socket, replies, 1)).join(), /^250 2\.0\.0 <joe@x> .* Saved$/)
  const folder = join(dovecot.dir, 'mail', 'joe@x', 'new')
  const mail = readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'latin1')
  const lines = mail
    .slice(mail.indexOf('\n.line 0 ') + 1)
    .split('\n')
    .slice(0, -1)
  assert.equal(lines.length, 10 * 1024)
  for (const [number, text] of lines.entries()) assert.equal(`${text}\r\n`, line(number).toString('latin1'))
})
