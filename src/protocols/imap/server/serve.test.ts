import assert from 'node:assert/strict'
import test from 'node:test'
import { FailingFormat, type FormatOperation } from '../../../storage/formats/failing.ts'
import { MemoryFormat } from '../../../storage/formats/memory.ts'
import { MemoryMail } from '../../../storage/testing/open-memory-store.ts'
import { TestSession } from '../../../../test/imap-server/session.ts'
import { streamAndPeer } from '../../../../test/support/protocol-session.ts'
import { mailSession } from '../../../../test/imap-server/in-process.ts'
import { serve } from './serve.ts'

test('a session that is ended from outside says goodbye at once', async (t) => {
  const session = new TestSession(t)
  await session.say('NOOP')
  session.kick()
  assert.equal(await session.peer.rest(), '* BYE Server shutting down.\r\n')
  await session.ended
  assert.match(session.log.at(-1) ?? '', /^info: Disconnected: Server shutting down\. in=9 out=\d+ deleted=0 /)
})

test('an idling client hears the goodbye too', async (t) => {
  const session = new TestSession(t)
  session.peer.send('a IDLE\r\n')
  assert.equal(await session.peer.line(), '+ idling')
  session.kick()
  assert.equal(await session.peer.rest(), '* BYE Server shutting down.\r\n')
})

test('a session that is ended before it begins is not served', async () => {
  const { stream, peer } = streamAndPeer()
  const mail = new MemoryMail()
  const log: string[] = []
  await serve(stream, mailSession(mail.open(), {}, log, AbortSignal.abort()))
  peer.end()
  await stream.close()
  assert.equal(await peer.rest(), '* BYE Server shutting down.\r\n')
})

test('whoever serves the mail answers the login, with what the session can do, and counts it', async () => {
  const { stream, peer } = streamAndPeer()
  const log: string[] = []
  const session = mailSession(new MemoryMail().open(), { plugins: ['imap_acl'] }, log)
  const served = serve(stream, { ...session, reply: { tag: 'a', notice: '* OK [ALERT] Hello.\r\n' } })
  assert.equal(await peer.line(), '* OK [ALERT] Hello.')
  const ok = (await peer.line()) ?? ''
  assert.match(ok, /^a OK \[CAPABILITY IMAP4rev1 .* ACL RIGHTS=texk .*\] Logged in$/)
  peer.send('b LOGOUT\r\n')
  await served
  await stream.close()
  const bytes = ok.length + 2 + '* OK [ALERT] Hello.\r\n'.length + (await peer.rest()).length
  assert.match(log.at(-1) ?? '', new RegExp(`^info: Disconnected: Logged out in=10 out=${bytes} `))
})

test('what the file system refuses is said, logged, and does not end the session', async (t) => {
  const format = new FailingFormat(new MemoryFormat())
  const session = new TestSession(t, { mail: new MemoryMail(undefined, format) })
  await session.say('CREATE x')
  const rows: readonly (readonly [code: string, reply: RegExp])[] = [
    ['EACCES', /^a\d+ NO \[NOPERM\] Permission denied$/],
    ['EPERM', /^a\d+ NO \[NOPERM\] Permission denied$/],
    ['EROFS', /^a\d+ NO \[NOPERM\] Permission denied$/],
    ['ENOSPC', /^a\d+ NO \[OVERQUOTA\] Not enough disk quota$/],
    ['EDQUOT', /^a\d+ NO \[OVERQUOTA\] Not enough disk quota$/],
    [
      'EIO',
      /^a\d+ NO \[SERVERBUG\] Internal error occurred\. Refer to server log for more information\. \[[-\d: ]+\]$/,
    ],
  ]
  const commands: readonly (readonly [operation: FormatOperation, command: string])[] = [
    ['create', 'CREATE new'],
    ['delete', 'DELETE x'],
    ['rename', 'RENAME x y'],
    ['subscribe', 'SUBSCRIBE x'],
    ['open', 'SELECT x'],
    ['list', 'LIST "" *'],
    ['beginAppend', 'APPEND INBOX {3+}\r\nabc'],
    ['commit', 'APPEND INBOX {3+}\r\nabc'],
  ]
  for (const [code, reply] of rows) {
    for (const [operation, command] of commands) {
      format.failNext(operation, Object.assign(new Error(`${code}: refused`), { code, syscall: 'open' }))
      assert.match((await session.say(command)).at(-1) ?? '', reply, `${command}: ${code}`)
      assert.match(session.log.at(-1) ?? '', new RegExp(`^error: ${command.split(' ')[0]} failed: ${code}`))
    }
  }
})

test('the last line of the log counts what was done', async (t) => {
  const session = new TestSession(t)
  await session.append('a: b\r\n\r\ntext\r\n')
  await session.say('SELECT INBOX')
  await session.say('FETCH 1 (BODY[] BODY[HEADER])')
  await session.say('STORE 1 +FLAGS (\\Deleted)')
  await session.say('EXPUNGE')
  await session.say('LOGOUT')
  await session.ended
  assert.match(
    session.log.at(-1) ?? '',
    /^info: Disconnected: Logged out in=\d+ out=\d+ deleted=1 expunged=1 trashed=0 hdr_count=1 hdr_bytes=8 body_count=1 body_bytes=14$/,
  )
})

test('imap_logout_format decides what that line says', async (t) => {
  const session = new TestSession(t, { settings: { imap_logout_format: '%u did %{appended} of %i' } })
  await session.append('a: b\r\n\r\n')
  await session.say('LOGOUT')
  await session.ended
  assert.match(session.log.at(-1) ?? '', /^info: Disconnected: Logged out joe did 1 of \d+$/)
})

test('a client that leaves is logged with what it did last', async (t) => {
  const session = new TestSession(t)
  await session.say('NOOP')
  session.peer.end()
  await session.ended
  assert.match(session.log.at(-1) ?? '', /Connection closed \(NOOP finished 0\.\d{3} secs ago\)/)
})

test('a fault of ours ends the session, and says so to the client and to the log', async (t) => {
  const store = new MemoryMail().open()
  const session = new TestSession(t, {
    store: Object.assign(Object.create(store) as typeof store, {
      status: () => Promise.reject(new TypeError('nothing here')),
      close: () => store.close(),
    }),
  })
  session.peer.send('a STATUS INBOX (MESSAGES)\r\n')
  assert.match((await session.peer.line()) ?? '', /^\* BYE Internal error occurred/)
  await session.ended
  assert.ok(session.log.some((line) => line.startsWith('error: STATUS failed: TypeError: nothing here')))
})

test('a client that idles hears that the server is still there', async (t) => {
  const session = new TestSession(t, { settings: { imap_idle_notify_interval: 5 } })
  session.peer.send('a IDLE\r\n')
  assert.deepEqual(await session.until('* '), ['+ idling', '* OK Still here'])
  session.peer.send('DONE\r\n')
  assert.equal((await session.until('a ')).at(-1), 'a OK Idle completed')
})

test('imap_id_log logs the first ID only', async (t) => {
  const session = new TestSession(t, { settings: { imap_id_log: '*' } })
  await session.say('ID ("name" "x\ty" "version" NIL)'.replace('\t', ' '))
  await session.say('ID ("name" "z")')
  assert.deepEqual(session.log, ['info: ID sent: name=x y, version=NIL'])
})

test('a client that does nothing for half an hour is sent away', async () => {
  const { stream, peer } = streamAndPeer()
  const log: string[] = []
  const served = serve(stream, mailSession(new MemoryMail().open(), {}, log))
  peer.send('a NOOP\r\n')
  assert.match((await peer.line()) ?? '', /^a OK/)
  stream.setDeadline(1)
  assert.equal(await peer.line(), '* BYE Disconnected for inactivity.')
  await served
  peer.end()
  await stream.close()
  assert.match(log.at(-1) ?? '', /Disconnected: Disconnected for inactivity\./)
})
