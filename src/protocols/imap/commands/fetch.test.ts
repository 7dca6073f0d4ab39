import assert from 'node:assert/strict'
import test from 'node:test'
import type { Settings } from '../../../config/config.ts'
import { FailingFormat } from '../../../storage/formats/failing.ts'
import { MemoryFormat } from '../../../storage/formats/memory.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { MemoryMail } from '../../../storage/testing/open-memory-store.ts'
import { TestSession } from '../../../../test/imap-server/session.ts'

const MESSAGE = 'a: b\r\n\r\ntext\r\n'

/** Three messages, of which the next one that is opened cannot be. */
async function broken(t: test.TestContext, settings: Partial<Settings>): Promise<TestSession> {
  const format = new FailingFormat(new MemoryFormat())
  const session = new TestSession(t, { mail: new MemoryMail(undefined, format), settings })
  for (let i = 0; i < 3; i++) await session.append(MESSAGE)
  await session.say('SELECT INBOX')
  await session.say('FETCH 1:* RFC822.SIZE')
  format.failNext('openMessage', Object.assign(new Error('EIO: i/o error, read'), { syscall: 'read', code: 'EIO' }))
  return session
}

test('imap_fetch_failure = disconnect-immediately: a message that cannot be read ends the session', async (t) => {
  const session = await broken(t, { imap_fetch_failure: 'disconnect-immediately' })
  session.peer.send('b FETCH 1:* BODY.PEEK[TEXT]\r\n')
  await session.ended
  assert.match(session.log.at(-1) ?? '', /Disconnected: FETCH failed in=/)
  assert.ok(session.log.some((line) => line.startsWith('error: Mailbox INBOX: FETCH failed: EIO')))
})

test('imap_fetch_failure = no-after: the others are said, then NO', async (t) => {
  const session = await broken(t, { imap_fetch_failure: 'no-after' })
  const lines = await session.say('FETCH 1:* BODY.PEEK[TEXT]')
  assert.deepEqual(lines, [
    '* 2 FETCH (BODY[TEXT] {6}',
    'text',
    ')',
    '* 3 FETCH (BODY[TEXT] {6}',
    'text',
    ')',
    'a6 NO [SERVERBUG] Some messages could not be read',
  ])
  assert.deepEqual(await session.say('NOOP'), ['a7 OK NOOP completed'])
})

test('imap_fetch_failure = disconnect-after: the others are said, then the session ends', async (t) => {
  const session = await broken(t, { imap_fetch_failure: 'disconnect-after' })
  const lines = await session.say('FETCH 1:* BODY.PEEK[TEXT]')
  assert.equal(lines.length, 7)
  await session.ended
  assert.match(session.log.at(-1) ?? '', /Disconnected: FETCH failed for some messages in=/)
})

test('a message larger than one read comes in pieces, with CRLF and in windows', async (t) => {
  const session = new TestSession(t)
  const line = `${'x'.repeat(99)}\n`
  const text = `a: b\n\n${line.repeat(30_000)}`
  await session.append(text)
  await session.say('SELECT INBOX')
  const sent = text.replaceAll('\n', '\r\n')
  const whole = await session.say('FETCH 1 (RFC822.SIZE BODY.PEEK[])')
  assert.equal(whole[0], `* 1 FETCH (RFC822.SIZE ${sent.length} BODY[] {${sent.length}}`)
  assert.equal(whole.slice(1, -1).join('\r\n'), `${sent})`)
  const window = await session.say('FETCH 1 BODY.PEEK[TEXT]<2000000.205>')
  const body = sent.slice(sent.indexOf('\r\n\r\n') + 4)
  assert.equal(window.slice(1, -1).join('\r\n'), `${body.slice(2_000_000, 2_000_205)})`)
  const header = await session.say('FETCH 1 BODY.PEEK[HEADER.FIELDS (A)]')
  assert.deepEqual(header.slice(0, -1), ['* 1 FETCH (BODY[HEADER.FIELDS (A)] {8}', 'a: b', '', ')'])
})

test('who may not mark messages as seen may read them, and leave', async (t) => {
  const store = new MemoryMail().open()
  const refuse = () => Promise.reject(new StoreRefusal('no-permission', 'Permission denied'))
  const limited = withOthers(store, {
    open: async (name: string, mode: 'read-only' | 'read-write') =>
      withOthers(await store.open(name, mode), {
        permanent: { bits: 0, keywords: 'none' },
        store: refuse,
        expunge: refuse,
      }),
  })
  const session = new TestSession(t, { store: limited })
  await session.append(MESSAGE)
  assert.match((await session.say('SELECT INBOX')).join('\n'), /PERMANENTFLAGS \(\)/)
  assert.equal((await session.say('FETCH 1 BODY[TEXT]')).at(-1), 'a3 OK Fetch completed')
  assert.equal((await session.say('STORE 1 +FLAGS (\\Seen)')).at(-1), 'a4 NO [NOPERM] Permission denied')
  assert.equal((await session.say('CLOSE')).at(-1), 'a5 OK Closed without expunging: Permission denied')
})

/** The same object with some properties replaced. */
function withOthers<T extends object>(object: T, others: Readonly<Record<string, unknown>>): T {
  return new Proxy(object, {
    get(target, key) {
      if (typeof key === 'string' && Object.hasOwn(others, key)) return others[key]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
