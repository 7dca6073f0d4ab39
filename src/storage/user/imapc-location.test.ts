import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import type { MailLocation } from '../formats/format.ts'
import type { OwnerFacts } from './effective-namespaces.ts'
import { resolveMailUser } from './mail-user.ts'

const SERVER = { host: 'b.test', port: 1143 }

/** Where the mail of joe is, as jane's namespace of shared mail has it; and what was asked about him. */
async function joesMail(
  location: string,
  settings: string,
  facts: OwnerFacts | undefined,
): Promise<{ readonly location: MailLocation | undefined; readonly asked: readonly boolean[] }> {
  const files = memoryFiles({
    '/conf': `mail_location = maildir:~/Maildir
namespace inbox {
  inbox = yes
  separator = /
}
namespace shared {
  type = shared
  prefix = shared/%%u/
  separator = /
  location = ${location}
}
${settings}
`,
  })
  const { config } = loadConfig({ path: '/conf', files, hostname: 'a.test' })
  assert.ok(config)
  const asked: boolean[] = []
  const user = resolveMailUser({
    config,
    filter: { protocol: 'imap' },
    service: 'imap',
    user: 'jane',
    fields: new Map([['home', '/home/jane']]),
    variables: new Map(),
    system: { formats: new Set(['maildir', 'imapc']), systemHome: () => undefined, isDirectory: () => false },
    lookupOwner(_, route) {
      asked.push(route)
      return Promise.resolve(facts)
    },
  })
  const shared = user.namespaces[1]?.location
  assert.ok(typeof shared === 'function')
  return { location: await shared('joe'), asked }
}

test('imapc: with a host, that server knows its users; nobody here is asked about them', async () => {
  for (const location of ['imapc:~/imapc/%%u', 'imapc:', 'IMAPC:~/x:INDEXPVT=~/pvt/%%u']) {
    const found = await joesMail(location, 'imapc_host = b.test', undefined)
    assert.equal(found.location?.format, 'imapc', location)
    assert.equal(found.location.server, undefined)
    assert.deepEqual(found.asked, [])
  }
})

test('imapc: without a host is on the server of the owner', async () => {
  const found = await joesMail('imapc:', '', { home: undefined, server: SERVER })
  assert.deepEqual(found.location?.server, SERVER)
  assert.deepEqual(found.asked, [true])
  assert.equal((await joesMail('imapc:', '', { home: '/home/joe' })).location, undefined, 'nobody says which that is')
})

test('with postern_remote_owners each owner is where the databases say', async () => {
  const local = 'maildir:%%h/Maildir'
  const routed = 'postern_remote_owners = yes'
  const there = await joesMail(local, routed, { home: undefined, server: SERVER })
  assert.deepEqual([there.location?.format, there.location?.server], ['imapc', SERVER])
  const here = await joesMail(local, routed, { home: '/home/joe' })
  assert.deepEqual([here.location?.format, here.location?.path], ['maildir', '/home/joe/Maildir'])
  assert.equal((await joesMail(local, routed, undefined)).location, undefined, 'there is no such user')
  assert.deepEqual((await joesMail(local, '', { home: '/home/joe' })).asked, [false], 'without it nobody asks')
})
