import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { findServerMail } from '../../src/main/mail/server-mail.ts'
import { startPostern } from '../peers/postern.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runPostern } from '../support/run-postern.ts'
import { userIds } from '../support/user-ids.ts'
import { deliveryConfig } from './both-servers.ts'

const why = process.geteuid?.() === 0 ? false : 'needs root: others cannot open the mail of users'
const MESSAGE = 'Subject: saved\n\nbody\n'

test('doveadm works in the process of the running server, whose clients see at once what is done', {
  skip: why,
}, async (t) => {
  const server = await startPostern((place) => deliveryConfig(place, ''))
  t.after(() => server.stop())
  const control = join(server.dir, 'run/postern-control')
  const mail = await findServerMail(control)
  assert.ok(mail !== undefined && mail.shares > 0)
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: 'imap' })
  await wire.line()
  wire.send('a LOGIN joe pass', 'b SELECT INBOX', 'c IDLE')
  await wire.linesUntil(/^\+ /)
  const [uid, gid] = userIds('nobody')
  const sockets = new Set<string | undefined>()
  for (let share = 0; share < mail.shares; share++) sockets.add(await mail.socketFor({ uid, gid }, share))
  for (const path of sockets) assert.ok(path?.startsWith(join(server.dir, 'run/mail-workers/')), path)
  const config = join(server.dir, 'dovecot.conf')
  const saved = await runPostern(['doveadm', '-c', config, 'save', '-u', 'joe'], MESSAGE)
  assert.deepEqual(saved, { status: 0, out: '', err: '' })
  await wire.linesUntil(/^\* 1 EXISTS/)
  const found = await runPostern(['doveadm', '-c', config, 'fetch', '-u', 'joe', 'hdr.subject', 'all'])
  assert.deepEqual(found, { status: 0, out: 'hdr.subject: saved\n', err: '' })
  wire.destroy()
  assert.equal(await findServerMail(join(server.dir, 'nosuch')), undefined)
})
