import assert from 'node:assert/strict'
import test from 'node:test'
import { TestSession } from '../../../../test/imap-server/session.ts'
import { FailingFormat, type FormatOperation } from '../../../storage/formats/failing.ts'
import { MemoryFormat } from '../../../storage/formats/memory.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { Appending, MailStore } from '../../../storage/store.ts'
import { MemoryMail } from '../../../storage/testing/open-memory-store.ts'

const MESSAGE = 'a: b\r\n\r\ntext\r\n'

test('what follows a refused message is not taken for commands', async (t) => {
  const session = new TestSession(t)
  const evil = 'x DELETE Precious\r\n'
  await session.say('CREATE Precious')
  assert.deepEqual(await session.say(`APPEND INBOX (\\Foo) {${evil.length}+}\r\n${evil}`), [
    'a2 BAD Error in IMAP command APPEND: Invalid system flag \\FOO',
  ])
  assert.deepEqual(await session.say(`APPEND nowhere {${evil.length}+}\r\n${evil}`), [
    "a3 NO [TRYCREATE] Mailbox doesn't exist: nowhere",
  ])
  assert.deepEqual(
    await session.say(`APPEND nowhere {${evil.length}+}\r\n${evil} (\\Seen) {${evil.length}+}\r\n${evil}`),
    ["a4 NO [TRYCREATE] Mailbox doesn't exist: nowhere"],
  )
  assert.equal((await session.say('STATUS Precious (MESSAGES)'))[0], '* STATUS Precious (MESSAGES 0)')
})

test('what is left of a message that cannot be saved is not taken for commands', async (t) => {
  const format = new FailingFormat(new MemoryFormat())
  const session = new TestSession(t, { mail: new MemoryMail(undefined, format) })
  await session.say('CREATE Precious')
  // More than one chunk: the commands come behind what failed.
  const evil = `${'x'.repeat(200_000)}\r\nx DELETE Precious\r\n`
  const rows: readonly (readonly [why: string, operation: FormatOperation, command: string])[] = [
    ['in the middle', 'write', `APPEND INBOX {${evil.length}+}\r\n${evil}`],
    ['at its end', 'end', `APPEND INBOX {${evil.length}+}\r\n${evil}`],
    ['before it', 'begin', `APPEND INBOX {${evil.length}+}\r\n${evil}`],
    ['when all are there', 'commit', `APPEND INBOX {${evil.length}+}\r\n${evil}`],
    ['the first of two', 'write', `APPEND INBOX {${evil.length}+}\r\n${evil} {${evil.length}+}\r\n${evil}`],
    ['asked for', 'write', `APPEND INBOX {${evil.length}}\r\n${evil}`],
  ]
  for (const [why, operation, command] of rows) {
    format.failNext(operation, new StoreRefusal('over-quota', 'Not enough disk quota'))
    const lines = await session.say(command)
    assert.match(lines.at(-1) ?? '', /^a\d+ NO \[OVERQUOTA\] Not enough disk quota$/, why)
    assert.equal((await session.say('STATUS Precious (MESSAGES)'))[0], '* STATUS Precious (MESSAGES 0)', why)
  }
  assert.equal((await session.say('STATUS INBOX (MESSAGES)'))[0], '* STATUS INBOX (MESSAGES 0)')
})

test('a client that waits to be asked is refused before it sends', async (t) => {
  const session = new TestSession(t)
  assert.deepEqual(await session.say('APPEND nowhere {99999}'), ["a1 NO [TRYCREATE] Mailbox doesn't exist: nowhere"])
  assert.deepEqual(await session.say('APPEND INBOX {99999999999}'), ['a2 NO [TOOBIG] Message is too large'])
})

test('a message over quota is refused before it is sent', async (t) => {
  const quota = {
    roots: () => Promise.resolve([]),
    check: () => Promise.reject(new StoreRefusal('over-quota', 'Quota exceeded (mailbox for user is full)')),
    changed: () => undefined,
  }
  const session = new TestSession(t, { store: new MemoryMail().open('joe', { quota }) })
  assert.deepEqual(await session.say('APPEND INBOX {100}'), [
    'a1 NO [OVERQUOTA] Quota exceeded (mailbox for user is full)',
  ])
})

test('a client that leaves in the middle of a message leaves nothing', async (t) => {
  const mail = new MemoryMail()
  const session = new TestSession(t, { mail })
  session.peer.send('a APPEND INBOX {1000}\r\n')
  assert.equal(await session.peer.line(), '+ OK')
  session.peer.send(MESSAGE)
  session.peer.end()
  await session.ended
  const status = await mail.open().status('INBOX')
  assert.equal(status.messages, 0)
})

test('a message is handed on in pieces, however large it is', async (t) => {
  const sizes: number[] = []
  const session = new TestSession(t, { store: countingStore(sizes) })
  const mebibyte = 'x'.repeat(1 << 20)
  const count = 100
  session.peer.send(`a APPEND INBOX {${count << 20}}\r\n`)
  assert.equal(await session.peer.line(), '+ OK')
  for (let i = 0; i < count; i++) {
    session.peer.send(mebibyte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  session.peer.send('\r\n')
  assert.equal((await session.until('a ')).at(-1), 'a OK [APPENDUID 1 1] Append completed')
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    count << 20,
  )
  assert.ok(Math.max(...sizes) <= 64 * 1024)
})

/** A store that only counts what is appended. */
function countingStore(sizes: number[]): MailStore {
  const appending: Appending = {
    mailbox: 'INBOX',
    begin: () => Promise.resolve(),
    write: (chunk) => void sizes.push(chunk.length),
    end: () => Promise.resolve(),
    commit: () => Promise.resolve({ uidValidity: 1, uids: [1] }),
    abort: () => Promise.resolve(),
  }
  const store = new MemoryMail().open()
  return Object.assign(Object.create(store) as MailStore, {
    beginAppend: () => Promise.resolve(appending),
    close: () => store.close(),
  })
}
