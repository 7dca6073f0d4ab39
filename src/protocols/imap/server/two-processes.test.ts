import assert from 'node:assert/strict'
import test from 'node:test'
import { TestSession } from '../../../../test/imap-server/session.ts'
import { MemoryMail } from '../../../storage/testing/open-memory-store.ts'

const MESSAGE = 'a: b\r\n\r\n'

/** A session, and another one that a different process serves. */
function pair(t: test.TestContext): readonly [TestSession, TestSession] {
  const mail = new MemoryMail()
  return [new TestSession(t, { mail }), new TestSession(t, { mail: new MemoryMail(mail) })]
}

test('NOOP tells what another process did, at once', async (t) => {
  const [here, there] = pair(t)
  await here.say('SELECT INBOX')
  await there.append(MESSAGE)
  assert.equal((await here.say('NOOP'))[0], '* 1 EXISTS')
  await there.say('SELECT INBOX')
  await there.say('STORE 1 +FLAGS (\\Deleted)')
  assert.match((await here.say('NOOP'))[0] ?? '', /^\* 1 FETCH .FLAGS .\\Deleted/)
  await there.say('EXPUNGE')
  assert.deepEqual(await here.say('NOOP'), ['* 1 EXPUNGE', '* 0 RECENT', 'a4 OK NOOP completed'])
})

test('an idling client hears of another process too', async (t) => {
  const [here, there] = pair(t)
  await here.say('SELECT INBOX')
  here.peer.send('b IDLE\r\n')
  assert.equal(await here.peer.line(), '+ idling')
  await there.append(MESSAGE)
  assert.deepEqual(await here.until('* 1 EXISTS'), ['* 1 EXISTS'])
  here.peer.send('DONE\r\n')
  assert.equal((await here.until('b ')).at(-1), 'b OK Idle completed')
})

test('a selected mailbox that another session deletes ends the session, idle or not', async (t) => {
  const mail = new MemoryMail()
  const [one, idle, other] = [new TestSession(t, { mail }), new TestSession(t, { mail }), new TestSession(t, { mail })]
  await other.say('CREATE Work')
  await one.say('SELECT Work')
  await idle.say('SELECT Work')
  idle.peer.send('b IDLE\r\n')
  assert.equal(await idle.peer.line(), '+ idling')
  await other.say('DELETE Work')
  assert.equal((await idle.until('* BYE')).at(-1), '* BYE IMAP session state is inconsistent, please relogin.')
  assert.equal((await one.say('NOOP')).at(0), '* BYE IMAP session state is inconsistent, please relogin.')
  await Promise.all([one.ended, idle.ended])
  assert.match(idle.log.at(-1) ?? '', /Disconnected: IMAP session state is inconsistent, please relogin\. in=/)
})
