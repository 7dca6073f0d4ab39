import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionCounts } from '../cluster/connections.ts'
import type { LocalLogin, LocalMail, LocalOpening, OpenMail } from '../login/environment.ts'
import { limitConnections } from './limited-mail.ts'
import type { SharedFromWorker } from './shared-messages.ts'
import { WorkerShared } from './worker-shared.ts'

/** Workers around one supervisor's counts. */
function workers(count: number): { readonly shared: readonly WorkerShared[]; readonly counts: ConnectionCounts } {
  const counts = new ConnectionCounts()
  const shared = Array.from({ length: count }, (_, worker) => {
    const self: WorkerShared = new WorkerShared((message: SharedFromWorker) => {
      if (message.kind === 'leave') counts.leave(String(worker), message.key)
      if (message.kind !== 'enter') return
      const isFree = counts.enter(String(worker), message.key, message.limit)
      setImmediate(() => self.hear({ kind: 'entered', id: message.id, isFree }))
    })
    return self
  })
  return { shared, counts }
}

/** Mail whose sessions end when they are told to. */
function openableMail(outcome: LocalOpening['kind'] = 'ready'): { mail: LocalMail; end: () => void } {
  const ended = Promise.withResolvers<void>()
  const open: OpenMail = {
    session: {} as OpenMail['session'],
    pid: 1,
    serve: async () => await ended.promise,
    discard: () => undefined,
    kick: () => undefined,
  }
  return {
    end: ended.resolve,
    mail: {
      open: async () =>
        await Promise.resolve<LocalOpening>(
          outcome === 'ready' ? { kind: 'ready', mail: open } : { kind: 'refused', why: { kind: 'temporary' } },
        ),
    },
  }
}

const login = (user: string, ip: string, limit = 2): LocalLogin =>
  ({
    protocol: { name: 'imap' },
    record: { user, identity: { remote: { ip, port: 1 } }, settings: { mail_max_userip_connections: limit } },
  }) as unknown as LocalLogin

const client = {} as Parameters<OpenMail['serve']>[0]

test('one session more than mail_max_userip_connections is refused with the limit, whichever worker it is', async () => {
  const { shared, counts } = workers(2)
  const { mail, end } = openableMail()
  const [first, second] = shared.map((worker) => limitConnections(mail, worker))
  assert.ok(first !== undefined && second !== undefined)
  const one = await first.open(login('joe', '192.0.2.1'))
  const two = await second.open(login('joe', '192.0.2.1'))
  assert.deepEqual([one.kind, two.kind], ['ready', 'ready'])
  assert.deepEqual(await first.open(login('joe', '192.0.2.1')), {
    kind: 'refused',
    why: {
      kind: 'too-many-connections',
      text: 'Maximum number of connections from user+IP exceeded (mail_max_userip_connections=2)',
    },
  })
  assert.equal((await first.open(login('joe', '192.0.2.2'))).kind, 'ready', 'another address')
  assert.equal((await first.open(login('jane', '192.0.2.1'))).kind, 'ready', 'another user')
  if (one.kind !== 'ready' || two.kind !== 'ready') return
  const served = one.mail.serve(client)
  end()
  await served
  assert.equal((await second.open(login('joe', '192.0.2.1'))).kind, 'ready', 'one has left')
  two.mail.discard()
  two.mail.discard()
  assert.equal(counts.count('imap/192.0.2.1/joe'), 1, 'leaving twice is leaving once')
})

test('mail that cannot be opened does not count', async () => {
  const { shared, counts } = workers(1)
  const [worker] = shared
  assert.ok(worker !== undefined)
  const limited = limitConnections(openableMail('refused').mail, worker)
  assert.equal((await limited.open(login('joe', '192.0.2.1', 1))).kind, 'refused')
  const broken = limitConnections({ open: () => Promise.reject(new Error('bug')) }, worker)
  await assert.rejects(broken.open(login('joe', '192.0.2.1', 1)))
  assert.equal(counts.count('imap/192.0.2.1/joe'), 0)
})

test('without a limit or an address nobody is asked', async () => {
  const asked: SharedFromWorker[] = []
  const limited = limitConnections(openableMail().mail, new WorkerShared((message) => void asked.push(message)))
  assert.equal((await limited.open(login('joe', '192.0.2.1', 0))).kind, 'ready')
  assert.equal((await limited.open(login('joe', ''))).kind, 'ready')
  assert.deepEqual(asked, [])
})

test('a supervisor that does not answer refuses nobody', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const opening = limitConnections(openableMail().mail, new WorkerShared(() => undefined)).open(
    login('joe', '192.0.2.1'),
  )
  t.mock.timers.tick(2_000)
  assert.equal((await opening).kind, 'ready')
})
